#include "cudnn/graph.hpp"

#include <algorithm>

#include <boost/make_shared.hpp>

#include "caffe/util/parallel_for.hpp"
#include "core/this_device.hpp"
#include "gpu/scratch.hpp"
#include "util/parallel_tasks.hpp"

namespace caffe {
namespace cudnn {

// ---- descriptors ----

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  CUDNN_CHECK(cudnnBackendCreateDescriptor(type, &descriptor_));
}

void Descriptor::Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     int64_t count, const void* values) {
  CUDNN_CHECK(cudnnBackendSetAttribute(descriptor_, name, type, count, values));
}

void Descriptor::Set(cudnnBackendAttributeName_t name, const Descriptor& other) {
  const cudnnBackendDescriptor_t descriptor = other.get();
  Set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &descriptor);
}

void Descriptor::Set(cudnnBackendAttributeName_t name, int64_t value) {
  Set(name, CUDNN_TYPE_INT64, 1, &value);
}

void Descriptor::Set(cudnnBackendAttributeName_t name, const std::vector<int64_t>& values) {
  Set(name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
}

void Descriptor::Set(cudnnBackendAttributeName_t name, cudnnDataType_t type) {
  Set(name, CUDNN_TYPE_DATA_TYPE, 1, &type);
}

void Descriptor::Set(cudnnBackendAttributeName_t name, cudnnHandle_t handle) {
  Set(name, CUDNN_TYPE_HANDLE, 1, &handle);
}

int64_t Descriptor::Get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                        int64_t room, void* values) const {
  int64_t count = 0;
  const auto status = cudnnBackendGetAttribute(descriptor_, name, type, room, &count, values);
  return status == CUDNN_STATUS_SUCCESS ? count : 0;
}

// ---- plans ----

bool Plan::Run(const std::vector<std::pair<int64_t, const void*>>& tensors) const {
  std::vector<int64_t> numbers;
  std::vector<const void*> memory;
  for (const auto& tensor : tensors) {
    numbers.push_back(tensor.first);
    memory.push_back(tensor.second);
  }
  const void* workspace = workspace_ ? DeviceScratch(Scratch::kWorkspace, workspace_) : nullptr;
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, numbers);
  pack.Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
           static_cast<int64_t>(memory.size()), memory.data());
  pack.Set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  CHECK(pack.Finalize()) << "cuDNN does not take the tensors of a convolution";
  return cudnnBackendExecute(Handle(), plan_->get(), pack.get()) == CUDNN_STATUS_SUCCESS;
}

namespace {

// Configurations of engines for a graph, in the order that cuDNN thinks best.
std::vector<shared_ptr<Descriptor>> Configurations(const Descriptor& graph,
                                                   cudnnBackendHeurMode_t mode) {
  const int64_t kMost = 100;
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.Set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  if (!heuristics.Finalize()) return {};
  const int64_t count =
      heuristics.Get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
  std::vector<shared_ptr<Descriptor>> found;
  std::vector<cudnnBackendDescriptor_t> room;
  while (static_cast<int64_t>(found.size()) < std::min(count, kMost)) {
    found.push_back(boost::make_shared<Descriptor>(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
    room.push_back(found.back()->get());
  }
  if (room.empty()) return found;
  heuristics.Get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                 static_cast<int64_t>(room.size()), room.data());
  return found;
}

using Notes = std::vector<cudnnBackendNumericalNote_t>;

// What makes an engine's results differ from one time to the next, or rounds floats.
const Notes kUnordered = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
const Notes kInexact = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, CUDNN_NUMERICAL_NOTE_TENSOR_CORE,
                        CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS,
                        CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION};

// Whether an engine has none of these notes.
bool IsFreeOf(const Notes& refused, const Descriptor& configuration) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t room = engine.get();
  if (!configuration.Get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &room)) {
    return false;
  }
  cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
  const int64_t count = engine.Get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                   CUDNN_NUMERICAL_NOTE_TYPE_COUNT, notes);
  return std::find_first_of(notes, notes + count, refused.begin(), refused.end()) == notes + count;
}

// Null where the engine cannot do it after all.
shared_ptr<Plan> PlanOf(const Descriptor& configuration, cudnnHandle_t handle) {
  const auto plan = boost::make_shared<Descriptor>(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan->Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
  plan->Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  // Engines that are compiled at this moment may fail in many ways; others are there.
  if (cudnnBackendFinalize(plan->get()) != CUDNN_STATUS_SUCCESS) return nullptr;
  int64_t workspace = 0;
  if (!plan->Get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &workspace)) {
    return nullptr;
  }
  return boost::make_shared<Plan>(plan, static_cast<size_t>(workspace));
}

// Plans of configurations, null where an engine cannot do it. Several threads make them: an engine
// that is compiled at this moment keeps a processor busy for some 0.3 s. They share the handle,
// with which making a plan queues nothing.
std::vector<shared_ptr<Plan>> PlansOf(const std::vector<shared_ptr<Descriptor>>& configurations) {
  const int device = ThisDevice(), count = static_cast<int>(configurations.size());
  const cudnnHandle_t handle = Handle();
  std::vector<shared_ptr<Plan>> plans(configurations.size());
  ParallelTasks(count, std::min(count, NumThreads()), [&](int i, int) {
    const AtDevice there(device);
    plans[i] = PlanOf(*configurations[i], handle);
  });
  return plans;
}

}  // namespace

std::vector<shared_ptr<Plan>> Graph::Plans(size_t workspace_limit, size_t most, bool exact) const {
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  std::vector<cudnnBackendDescriptor_t> operations;
  for (const auto& operation : operations_) operations.push_back(operation->get());
  graph.Set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, Handle());
  graph.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
            static_cast<int64_t>(operations.size()), operations.data());
  std::vector<shared_ptr<Plan>> plans;
  if (!graph.Finalize()) return plans;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    std::vector<shared_ptr<Descriptor>> configurations;
    for (const auto& configuration : Configurations(graph, mode)) {
      if (configurations.size() == most) break;
      if (IsFreeOf(exact ? kInexact : kUnordered, *configuration)) {
        configurations.push_back(configuration);
      }
    }
    for (const auto& plan : PlansOf(configurations)) {
      if (plan && plan->workspace() <= workspace_limit) plans.push_back(plan);
    }
    if (!plans.empty()) break;
  }
  return plans;
}

// ---- graphs ----

Graph::Tensor Graph::Make(int64_t number, const Shape& shape, cudnnDataType_t type, bool passing) {
  const int64_t channels = shape[1], width = shape[3], area = shape[2] * width;
  const std::vector<int64_t> strides =
      order_ == Order::kPlain
          ? std::vector<int64_t>{channels * area, area, width, 1}
          : std::vector<int64_t>{channels * area, 1, width * channels, channels};
  const auto tensor = boost::make_shared<Descriptor>(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor->Set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  tensor->Set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<int64_t>(shape.begin(), shape.end()));
  tensor->Set(CUDNN_ATTR_TENSOR_STRIDES, strides);
  tensor->Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, number);
  tensor->Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t(kAlignment));
  tensor->Set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &passing);
  CHECK(tensor->Finalize()) << "cuDNN has no tensors of " << shape[0] << " x " << shape[1] << " x "
                            << shape[2] << " x " << shape[3];
  parts_.push_back(tensor);
  return tensor;
}

Graph::Tensor Graph::Stored(int64_t number, const Shape& shape, cudnnDataType_t type) {
  return Make(number, shape, type, false);
}

Graph::Tensor Graph::Passing(const Shape& shape) {
  const int64_t kFirst = 1000;  // beyond the numbers of stored ones
  return Make(kFirst + passing_++, shape, CUDNN_DATA_FLOAT, true);
}

namespace {

// What an operation of a product calls its attributes.
struct ConvolutionNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t convolution, image, weights, features, alpha, beta;
};

ConvolutionNames NamesOf(Product product) {
  switch (product) {
    case Product::kToFeatures:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case Product::kToImage:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    default:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
}

std::vector<int64_t> Pair(const int (&values)[2]) { return {values[0], values[1]}; }

shared_ptr<Descriptor> Describe(const ConvolutionGeometry& g) {
  const auto convolution = boost::make_shared<Descriptor>(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  convolution->Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  convolution->Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  convolution->Set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, Pair(g.pad));
  convolution->Set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, Pair(g.pad));
  convolution->Set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Pair(g.dilation));
  convolution->Set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Pair(g.stride));
  convolution->Set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t(2));
  CHECK(convolution->Finalize()) << "cuDNN does not know such a convolution";
  return convolution;
}

}  // namespace

void Graph::Convolve(Product product, const ConvolutionGeometry& geometry, const Tensor& image,
                     const Tensor& weights, const Tensor& features) {
  const ConvolutionNames names = NamesOf(product);
  parts_.push_back(Describe(geometry));
  const auto operation = boost::make_shared<Descriptor>(names.operation);
  operation->Set(names.convolution, *parts_.back());
  operation->Set(names.image, *image);
  operation->Set(names.weights, *weights);
  operation->Set(names.features, *features);
  operation->Set(names.alpha, CUDNN_TYPE_FLOAT, 1, &kOne<float>);
  operation->Set(names.beta, CUDNN_TYPE_FLOAT, 1, &kZero<float>);
  CHECK(operation->Finalize()) << "cuDNN does not know such a convolution";
  operations_.push_back(operation);
}

void Graph::Pointwise(cudnnPointwiseMode_t mode, double slope, const Tensor& x, const Tensor* bias,
                      const Tensor& y) {
  const auto function = boost::make_shared<Descriptor>(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  function->Set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  function->Set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  if (slope != 0) {
    function->Set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, CUDNN_TYPE_DOUBLE, 1, &slope);
  }
  CHECK(function->Finalize()) << "cuDNN does not know such a function";
  parts_.push_back(function);
  const auto operation =
      boost::make_shared<Descriptor>(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation->Set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, *function);
  operation->Set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, *x);
  if (bias) operation->Set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, **bias);
  operation->Set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, *y);
  CHECK(operation->Finalize()) << "cuDNN does not know such a function of these tensors";
  operations_.push_back(operation);
}

void Graph::AddBias(const Tensor& x, const Tensor& bias, const Tensor& y) {
  Pointwise(CUDNN_POINTWISE_ADD, 0, x, &bias, y);
}

void Graph::Rectify(const Tensor& x, double slope, const Tensor& y) {
  Pointwise(CUDNN_POINTWISE_RELU_FWD, slope, x, nullptr, y);
}

}  // namespace cudnn
}  // namespace caffe
