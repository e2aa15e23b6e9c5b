// What the descriptors of operations mean, and whether they belong together.
#include <algorithm>
#include <set>

#include "cudnn_graph.hpp"

namespace emulated_cudnn {

namespace {

// How the three kinds of products name their attributes.
struct ProductNames {
  cudnnBackendDescriptorType_t type;
  Product product;
  cudnnBackendAttributeName_t alpha, beta, convolution, w, x, y;
};

const ProductNames kProducts[] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, Product::kFeatures,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, Product::kImage,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, Product::kFilter,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY}};

const ProductNames* ProductOf(cudnnBackendDescriptorType_t type) {
  for (const ProductNames& names : kProducts) {
    if (names.type == type) return &names;
  }
  return nullptr;
}

using Integers = std::vector<int64_t>;

GraphTensor TensorOf(const BackendDescriptor& descriptor) {
  const Integers d = descriptor.List<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const Integers s = descriptor.List<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  return {{descriptor.One<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE),
           int(d[0]),
           int(d[1]),
           int(d[2]),
           int(d[3]),
           {s[0], s[1], s[2], s[3]}},
          descriptor.One<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID),
          descriptor.One<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT),
          descriptor.One<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL)};
}

cudnnConvolutionStruct ConvolutionOf(const BackendDescriptor& descriptor, const Tensor& x,
                                     const Tensor& w) {
  const Integers pad = descriptor.List<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const Integers stride = descriptor.List<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const Integers dilation = descriptor.List<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  return {{int(pad[0]), int(pad[1])},
          {int(stride[0]), int(stride[1])},
          {int(dilation[0]), int(dilation[1])},
          descriptor.One<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE),
          std::max(1, x.c / w.c)};
}

Operation ProductOperation(const BackendDescriptor& descriptor, const ProductNames& names) {
  const GraphTensor x = TensorOf(*descriptor.Other(names.x)),
                    w = TensorOf(*descriptor.Other(names.w)),
                    y = TensorOf(*descriptor.Other(names.y));
  Operation operation;
  operation.is_product = true;
  operation.product = names.product;
  operation.alpha = descriptor.Real(names.alpha, 1);
  operation.beta = descriptor.Real(names.beta, 0);
  operation.sides = {x.tensor, w.tensor, y.tensor,
                     ConvolutionOf(*descriptor.Other(names.convolution), x.tensor, w.tensor)};
  switch (names.product) {
    case Product::kFeatures:
      operation.inputs = {x, w};
      operation.result = y;
      break;
    case Product::kImage:
      operation.inputs = {w, y};
      operation.result = x;
      break;
    case Product::kFilter:
      operation.inputs = {x, y};
      operation.result = w;
      break;
  }
  return operation;
}

// The tensors that a function of values takes, the result last.
std::vector<cudnnBackendAttributeName_t> TensorsOf(cudnnPointwiseMode_t mode) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
              CUDNN_ATTR_OPERATION_POINTWISE_YDESC};
    case CUDNN_POINTWISE_RELU_FWD:
      return {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_YDESC};
    case CUDNN_POINTWISE_RELU_BWD:
      return {CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
              CUDNN_ATTR_OPERATION_POINTWISE_DXDESC};
  }
  return {};
}

cudnnPointwiseMode_t ModeOf(const BackendDescriptor& operation) {
  return operation.Other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
      ->One<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
}

Operation PointwiseOperation(const BackendDescriptor& descriptor) {
  Operation operation;
  operation.mode = ModeOf(descriptor);
  operation.slope = descriptor.Other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                        ->Real(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, 0);
  for (const auto name : TensorsOf(operation.mode)) {
    operation.inputs.push_back(TensorOf(*descriptor.Other(name)));
  }
  operation.result = operation.inputs.back();
  operation.inputs.pop_back();
  return operation;
}

// ---- checks ----

bool AreOf(cudnnBackendDescriptorType_t type, std::initializer_list<DescriptorPtr> descriptors) {
  return std::all_of(descriptors.begin(), descriptors.end(),
                     [&](const DescriptorPtr& d) { return d && d->type == type; });
}

bool AllFrom(int64_t least, size_t count, const Integers& values) {
  return values.size() == count && *std::min_element(values.begin(), values.end()) >= least;
}

cudnnStatus_t CheckTensor(const BackendDescriptor& tensor) {
  const Integers dimensions = tensor.List<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const Integers strides = tensor.List<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  if (strides.size() != dimensions.size()) return CUDNN_STATUS_BAD_PARAM;
  if (dimensions.size() != 4) return CUDNN_STATUS_NOT_SUPPORTED_SHAPE;
  if (!AllFrom(1, 4, dimensions) || !AllFrom(1, 4, strides)) return CUDNN_STATUS_BAD_PARAM;
  const GraphTensor meant = TensorOf(tensor);
  const int64_t size = meant.tensor.bytes() / meant.tensor.extent();
  const bool power = meant.alignment > 0 && (meant.alignment & (meant.alignment - 1)) == 0;
  return power && meant.alignment >= size ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t CheckConvolution(const BackendDescriptor& convolution) {
  const auto before = convolution.List<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const auto strides = convolution.List<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const auto dilations = convolution.List<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  if (convolution.One<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2 ||
      !AllFrom(0, 2, before) || !AllFrom(1, 2, strides) || !AllFrom(1, 2, dilations)) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  const auto mode = convolution.One<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE);
  const bool simple = mode == CUDNN_CROSS_CORRELATION &&
                      before == convolution.List<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  return simple ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t CheckProduct(const BackendDescriptor& descriptor, const ProductNames& names) {
  const bool typed =
      AreOf(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, {descriptor.Other(names.convolution)}) &&
      AreOf(CUDNN_BACKEND_TENSOR_DESCRIPTOR,
            {descriptor.Other(names.x), descriptor.Other(names.w), descriptor.Other(names.y)});
  if (!typed) return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
  const Operation operation = ProductOperation(descriptor, names);
  if (!operation.sides.Belong()) return CUDNN_STATUS_BAD_PARAM;
  const cudnnDataType_t type = operation.inputs[0].tensor.type;
  const auto sums = type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
  const cudnnDataType_t result = operation.result.tensor.type;
  const bool known = operation.inputs[1].tensor.type == type &&
                     operation.sides.convolution.compute_type == sums &&
                     (result == sums || (result == type && !operation.result.is_virtual));
  return known ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
}

// Inputs are of the result's shape, or of one value where that has many.
bool Spreads(const Tensor& input, const Tensor& result) {
  const auto fits = [](int size, int over) { return size == over || size == 1; };
  return fits(input.n, result.n) && fits(input.c, result.c) && fits(input.h, result.h) &&
         fits(input.w, result.w);
}

cudnnStatus_t CheckPointwise(const BackendDescriptor& descriptor) {
  if (!AreOf(CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
             {descriptor.Other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)})) {
    return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
  }
  for (const auto name : TensorsOf(ModeOf(descriptor))) {
    if (!descriptor.Has(name)) return CUDNN_STATUS_BAD_PARAM;
    if (!AreOf(CUDNN_BACKEND_TENSOR_DESCRIPTOR, {descriptor.Other(name)})) {
      return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
    }
  }
  const Operation operation = PointwiseOperation(descriptor);
  for (const GraphTensor& input : operation.inputs) {
    if (!Spreads(input.tensor, operation.result.tensor)) return CUDNN_STATUS_BAD_PARAM;
  }
  return CUDNN_STATUS_SUCCESS;
}

// A product, and functions of its result's values one after the other.
bool IsChain(const std::vector<DescriptorPtr>& parts) {
  for (const DescriptorPtr& part : parts) {
    if ((ProductOf(part->type) != nullptr) != (part == parts.front())) return false;
  }
  return true;
}

// Each operation but the first goes on with the result before it; only the last one's is stored.
cudnnStatus_t CheckGraph(const BackendDescriptor& graph) {
  const auto& parts = graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors;
  for (const DescriptorPtr& part : parts) {
    if (!ProductOf(part->type) && part->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) {
      return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
    }
  }
  if (!IsChain(parts)) return CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
  std::set<int64_t> inputs, results;
  const std::vector<Operation> operations = OperationsOf(graph);
  for (const Operation& operation : operations) {
    const bool last = &operation == &operations.back();
    const bool follows = operation.is_product || results.count(operation.inputs[0].id) > 0;
    if (!follows || operation.result.is_virtual == last || (!last && operation.beta != 0)) {
      return CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
    }
    for (const GraphTensor& input : operation.inputs) {
      if (input.is_virtual != (results.count(input.id) > 0)) return CUDNN_STATUS_BAD_PARAM;
      const bool is_new = inputs.insert(input.id).second;
      if (operation.is_product && !is_new) return CUDNN_STATUS_BAD_PARAM;
    }
    const int64_t id = operation.result.id;
    if (inputs.count(id) > 0 || !results.insert(id).second) return CUDNN_STATUS_BAD_PARAM;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t CheckPack(const BackendDescriptor& pack) {
  Integers numbers = pack.List<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  if (numbers.size() != pack.List<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size()) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  std::sort(numbers.begin(), numbers.end());
  const bool twice = std::adjacent_find(numbers.begin(), numbers.end()) != numbers.end();
  return twice ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

}  // namespace

std::vector<Operation> OperationsOf(const BackendDescriptor& graph) {
  std::vector<Operation> operations;
  for (const auto& part : graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors) {
    const ProductNames* names = ProductOf(part->type);
    operations.push_back(names ? ProductOperation(*part, *names) : PointwiseOperation(*part));
  }
  return operations;
}

cudnnStatus_t FinalizeGraphPart(const BackendDescriptor& descriptor) {
  if (const ProductNames* names = ProductOf(descriptor.type)) {
    return CheckProduct(descriptor, *names);
  }
  switch (descriptor.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return CheckTensor(descriptor);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      return CheckConvolution(descriptor);
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
      return TensorsOf(descriptor.One<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE)).empty()
                 ? CUDNN_STATUS_NOT_SUPPORTED
                 : CUDNN_STATUS_SUCCESS;
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      return CheckPointwise(descriptor);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      return CheckGraph(descriptor);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      return CheckPack(descriptor);
    default:
      return CUDNN_STATUS_SUCCESS;
  }
}

}  // namespace emulated_cudnn
