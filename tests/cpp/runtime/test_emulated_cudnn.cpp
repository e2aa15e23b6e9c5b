// The stand-in for cuDNN's graph interface: its products are right in whatever order and type the
// values lie in memory, and it refuses what cuDNN would.

#if __has_include(<cudnn_graph.hpp>)

#include <cudnn_graph.hpp>
#include <gtest/gtest.h>

namespace caffe_test {
namespace {

using emulated_cudnn::Numbers;
using emulated_cudnn::Tensor;
using emulated_cudnn::Values;

/// A backend descriptor that is destroyed with it.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    cudnnBackendCreateDescriptor(type, &descriptor_);
  }
  ~Descriptor() { cudnnBackendDestroyDescriptor(descriptor_); }
  Descriptor(const Descriptor&) = delete;

  template <typename T>
  Descriptor& Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                  std::vector<T> values) {
    status = cudnnBackendSetAttribute(descriptor_, name, type, values.size(), values.data());
    return *this;
  }
  Descriptor& Set(cudnnBackendAttributeName_t name, const Descriptor& other) {
    return Set<cudnnBackendDescriptor_t>(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, {other});
  }
  cudnnStatus_t Finalize() { return status = cudnnBackendFinalize(descriptor_); }
  operator cudnnBackendDescriptor_t() const { return descriptor_; }

  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};
using DescriptorPtr = std::unique_ptr<Descriptor>;

DescriptorPtr New(cudnnBackendDescriptorType_t type) { return DescriptorPtr(new Descriptor(type)); }

Tensor Plain(int n, int c, int h, int w) {
  return {CUDNN_DATA_DOUBLE, n, c, h, w, {c * h * w, h * w, w, 1}};
}

Tensor ChannelsLast(Tensor t, cudnnDataType_t type) {
  t.type = type;
  t.strides = {t.c * t.h * t.w, 1, t.w * t.c, t.c};
  return t;
}

/// Numbers on the device that all types hold.
class OnDevice {
 public:
  explicit OnDevice(const Tensor& tensor) : tensor(tensor) {
    cudaMalloc(&memory_, tensor.bytes());
    Numbers numbers(tensor.count());
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = int(i * 37 % 17) - 8;
    values().Write(numbers, 1, 0);
  }
  ~OnDevice() { cudaFree(memory_); }
  OnDevice(const OnDevice&) = delete;

  Values values() const { return {tensor, memory_}; }
  void* memory() const { return memory_; }
  Numbers Read() const {
    cudaDeviceSynchronize();
    return values().Read();
  }

  const Tensor tensor;

 private:
  void* memory_ = nullptr;
};

DescriptorPtr TensorDescriptor(int64_t id, const Tensor& t, bool is_virtual = false) {
  DescriptorPtr d = New(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d->Set<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, {t.type});
  d->Set<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, {t.n, t.c, t.h, t.w});
  d->Set<int64_t>(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64,
                  {t.strides.begin(), t.strides.end()});
  d->Set<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {id});
  d->Set<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, {16});
  const bool* flag = &is_virtual;
  cudnnBackendSetAttribute(*d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, flag);
  EXPECT_EQ(d->Finalize(), CUDNN_STATUS_SUCCESS);
  return d;
}

const std::vector<int64_t> kPad = {2, 1}, kStride = {1, 2}, kDilation = {2, 1};

DescriptorPtr ConvolutionDescriptor(cudnnDataType_t sums) {
  DescriptorPtr d = New(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  d->Set<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, {sums});
  d->Set<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                                 {CUDNN_CROSS_CORRELATION});
  d->Set<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, {2});
  d->Set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, kPad);
  d->Set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, kPad);
  d->Set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, kDilation);
  d->Set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, kStride);
  EXPECT_EQ(d->Finalize(), CUDNN_STATUS_SUCCESS);
  return d;
}

/// Of tensors x, w, y in this order.
DescriptorPtr Product(cudnnBackendDescriptorType_t type, const std::vector<DescriptorPtr>& tensors,
                      cudnnDataType_t sums) {
  const bool forward = type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  const bool to_image = type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
  // The attributes of all three have the same order.
  const int first = forward    ? CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA
                    : to_image ? CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA
                               : CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA;
  const auto attribute = [&](int i) { return cudnnBackendAttributeName_t(first + i); };
  DescriptorPtr d = New(type);
  d->Set<float>(attribute(0), CUDNN_TYPE_FLOAT, {1})
      .Set<float>(attribute(1), CUDNN_TYPE_FLOAT, {0});
  d->Set(attribute(2), *ConvolutionDescriptor(sums)).Set(attribute(3), *tensors[1]);
  d->Set(attribute(4), *tensors[0]).Set(attribute(5), *tensors[2]);
  EXPECT_EQ(d->Finalize(), CUDNN_STATUS_SUCCESS);
  return d;
}

DescriptorPtr Pointwise(cudnnPointwiseMode_t mode, double slope, const Descriptor& x,
                        const Descriptor* b, const Descriptor& y) {
  Descriptor function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  function.Set<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, {mode});
  function.Set<cudnnDataType_t>(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE,
                                {CUDNN_DATA_FLOAT});
  function.Set<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, CUDNN_TYPE_DOUBLE, {slope});
  EXPECT_EQ(function.Finalize(), CUDNN_STATUS_SUCCESS);
  DescriptorPtr d = New(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  d->Set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
  d->Set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x).Set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
  if (b) d->Set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
  EXPECT_EQ(d->Finalize(), CUDNN_STATUS_SUCCESS);
  return d;
}

class EmulatedCudnnGraph : public ::testing::Test {
 protected:
  void SetUp() override { cudnnCreate(&handle_); }
  void TearDown() override { cudnnDestroy(handle_); }

  /// A graph's plans: all that can be made of the engines of a mode.
  std::vector<DescriptorPtr> Plans(cudnnBackendHeurMode_t mode,
                                   const std::vector<cudnnBackendDescriptor_t>& operations) {
    Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.Set<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, {handle_});
    graph.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations);
    EXPECT_EQ(graph.Finalize(), CUDNN_STATUS_SUCCESS);
    Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    heuristics.Set<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE,
                                           {mode});
    EXPECT_EQ(heuristics.Finalize(), CUDNN_STATUS_SUCCESS);

    int64_t count = 0;
    cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                             CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr);
    std::vector<DescriptorPtr> configurations;
    std::vector<cudnnBackendDescriptor_t> filled;
    for (int64_t i = 0; i < count; ++i) {
      configurations.push_back(New(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
      filled.push_back(*configurations.back());
    }
    cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                             CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, filled.data());
    std::vector<DescriptorPtr> plans;
    for (const DescriptorPtr& configuration : configurations) {
      DescriptorPtr plan = New(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      plan->Set<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, {handle_});
      plan->Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, *configuration);
      if (plan->Finalize() == CUDNN_STATUS_SUCCESS) plans.push_back(std::move(plan));
    }
    return plans;
  }

  cudnnStatus_t Execute(const Descriptor& plan, const std::vector<int64_t>& ids,
                        const std::vector<void*>& pointers) {
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids);
    pack.Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers);
    EXPECT_EQ(pack.Finalize(), CUDNN_STATUS_SUCCESS);
    return cudnnBackendExecute(handle_, plan, pack);
  }

  cudnnHandle_t handle_ = nullptr;
};

const Tensor kImage = Plain(2, 6, 7, 8), kFilter = Plain(4, 3, 3, 2), kFeatures = Plain(2, 4, 7, 5);

const cudnnBackendDescriptorType_t kProducts[] = {
    CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR};

/// Of doubles in plain order.
Numbers Expected(cudnnBackendDescriptorType_t product) {
  const emulated_cudnn::Sides sides = {
      kImage, kFilter, kFeatures, {{2, 1}, {1, 2}, {2, 1}, CUDNN_DATA_DOUBLE, 2}};
  EXPECT_TRUE(sides.Belong());
  const OnDevice x(kImage), w(kFilter), y(kFeatures);
  using emulated_cudnn::Multiply;
  if (product == kProducts[0]) {
    return Multiply(emulated_cudnn::Product::kFeatures, sides, x.Read(), w.Read());
  }
  if (product == kProducts[1]) {
    return Multiply(emulated_cudnn::Product::kImage, sides, w.Read(), y.Read());
  }
  return Multiply(emulated_cudnn::Product::kFilter, sides, x.Read(), y.Read());
}

TEST_F(EmulatedCudnnGraph, MultipliesValuesOfAllTypesWithChannelsLast) {
  for (const auto product : kProducts) {
    const Numbers expected = Expected(product);
    for (const auto type :
         {CUDNN_DATA_DOUBLE, CUDNN_DATA_FLOAT, CUDNN_DATA_HALF, CUDNN_DATA_BFLOAT16}) {
      SCOPED_TRACE(::testing::Message() << "product " << product << ", type " << type);
      const OnDevice x(ChannelsLast(kImage, type)), w(ChannelsLast(kFilter, type)),
          y(ChannelsLast(kFeatures, type));
      std::vector<DescriptorPtr> tensors;
      tensors.push_back(TensorDescriptor(1, x.tensor));
      tensors.push_back(TensorDescriptor(2, w.tensor));
      tensors.push_back(TensorDescriptor(3, y.tensor));
      const auto sums = type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
      const DescriptorPtr operation = Product(product, tensors, sums);
      const auto plans = Plans(CUDNN_HEUR_MODE_FALLBACK, {*operation});
      ASSERT_EQ(plans.size(), 1u);
      ASSERT_EQ(Execute(*plans[0], {1, 2, 3}, {x.memory(), w.memory(), y.memory()}),
                CUDNN_STATUS_SUCCESS);
      const OnDevice& result = product == kProducts[0] ? y : product == kProducts[1] ? x : w;
      const Numbers got = result.Read();
      ASSERT_EQ(got.size(), expected.size());
      const double step = type == CUDNN_DATA_BFLOAT16 ? 1. / 256 : 0;
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], expected[i], step * std::abs(expected[i])) << i;
      }
    }
  }
}

TEST_F(EmulatedCudnnGraph, AddsBiasAndCutsWhatIsNegative) {
  const Tensor bias_shape = Plain(1, kFeatures.c, 1, 1);
  const Tensor between = ChannelsLast(kFeatures, CUDNN_DATA_FLOAT);
  const OnDevice x(ChannelsLast(kImage, CUDNN_DATA_BFLOAT16)),
      w(ChannelsLast(kFilter, CUDNN_DATA_BFLOAT16)), y(ChannelsLast(kFeatures, CUDNN_DATA_FLOAT)),
      b(ChannelsLast(bias_shape, CUDNN_DATA_FLOAT));
  std::vector<DescriptorPtr> tensors;
  tensors.push_back(TensorDescriptor(1, x.tensor));
  tensors.push_back(TensorDescriptor(2, w.tensor));
  tensors.push_back(TensorDescriptor(10, between, true));
  const DescriptorPtr sum = TensorDescriptor(11, between, true);
  const DescriptorPtr bias = TensorDescriptor(4, b.tensor), cut = TensorDescriptor(3, y.tensor);
  const DescriptorPtr product = Product(kProducts[0], tensors, CUDNN_DATA_FLOAT);
  const DescriptorPtr add = Pointwise(CUDNN_POINTWISE_ADD, 0, *tensors[2], bias.get(), *sum);
  const DescriptorPtr relu = Pointwise(CUDNN_POINTWISE_RELU_FWD, .25, *sum, nullptr, *cut);

  EXPECT_TRUE(Plans(CUDNN_HEUR_MODE_FALLBACK, {*product, *add, *relu}).empty());
  const auto plans = Plans(CUDNN_HEUR_MODE_A, {*product, *add, *relu});
  ASSERT_FALSE(plans.empty());
  const std::vector<void*> pointers = {x.memory(), w.memory(), y.memory(), b.memory()};
  ASSERT_EQ(Execute(*plans[0], {1, 2, 3, 4}, pointers), CUDNN_STATUS_SUCCESS);
  const Numbers got = y.Read(), added = b.Read();
  Numbers expected = Expected(kProducts[0]);
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] += added[i / kFeatures.area() % kFeatures.c];
    if (expected[i] < 0) expected[i] *= .25;
    ASSERT_NEAR(got[i], expected[i], 1e-5 * std::abs(expected[i])) << i;
  }
}

TEST_F(EmulatedCudnnGraph, RefusesWhatIsMissingOrWrong) {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.Set<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, {2, 6, 7, 8});
  EXPECT_EQ(tensor.Finalize(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(tensor.Set<float>(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_FLOAT, {1}).status,
            CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  Descriptor of_operation(kProducts[0]);
  EXPECT_EQ(of_operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, tensor).status,
            CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);

  const OnDevice x(kImage), w(kFilter), y(kFeatures);
  std::vector<DescriptorPtr> tensors;
  tensors.push_back(TensorDescriptor(1, x.tensor));
  tensors.push_back(TensorDescriptor(2, w.tensor));
  tensors.push_back(TensorDescriptor(3, y.tensor));
  const DescriptorPtr operation = Product(kProducts[0], tensors, CUDNN_DATA_DOUBLE);
  const auto plans = Plans(CUDNN_HEUR_MODE_FALLBACK, {*operation});
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(Execute(*plans[0], {1, 2}, {x.memory(), w.memory()}), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(Execute(*plans[0], {1, 2, 3}, {x.memory(), x.memory(), w.memory()}),
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  double on_host[2000];
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(on_host) + 15) / 16 * 16);
  EXPECT_EQ(Execute(*plans[0], {1, 2, 3}, {x.memory(), w.memory(), aligned}),
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_EQ(
      Execute(*plans[0], {1, 2, 3}, {x.memory(), w.memory(), static_cast<char*>(y.memory()) + 8}),
      CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
}

TEST_F(EmulatedCudnnGraph, OffersEnginesThatDiffer) {
  const OnDevice x(kImage), w(kFilter), y(kFeatures);
  std::vector<DescriptorPtr> tensors;
  tensors.push_back(TensorDescriptor(1, x.tensor));
  tensors.push_back(TensorDescriptor(2, w.tensor));
  tensors.push_back(TensorDescriptor(3, y.tensor));
  const DescriptorPtr operation = Product(kProducts[0], tensors, CUDNN_DATA_DOUBLE);
  std::vector<int64_t> workspaces;
  for (const DescriptorPtr& plan : Plans(CUDNN_HEUR_MODE_A, {*operation})) {
    int64_t count = 0, bytes = 0;
    cudnnBackendGetAttribute(*plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                             &count, &bytes);
    workspaces.push_back(bytes);
  }
  EXPECT_EQ(workspaces, (std::vector<int64_t>{0, 0, int64_t(3) << 30, 1280, 8 << 20}));
}

}  // namespace
}  // namespace caffe_test

#endif  // __has_include(<cudnn_graph.hpp>)
