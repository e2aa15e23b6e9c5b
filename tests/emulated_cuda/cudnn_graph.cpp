// Descriptors of the graph interface: what may be set, and when.
#include "cudnn_graph.hpp"

#include <algorithm>
#include <cstring>

namespace emulated_cudnn {

namespace {

const int64_t kAnyCount = 64, kAxes = 9;
enum Need { kNeeded, kOptional, kComputed };

struct Rule {
  cudnnBackendAttributeName_t name;
  /// Where it is double, float will do.
  cudnnBackendAttributeType_t type;
  Need need = kNeeded;
  int64_t most = 1;
};

using Rules = std::vector<Rule>;

// The attributes that descriptors of each type have.
const std::map<cudnnBackendDescriptorType_t, Rules>& AllRules() {
  const auto kOther = CUDNN_TYPE_BACKEND_DESCRIPTOR;
  static const std::map<cudnnBackendDescriptorType_t, Rules> all = {
      {CUDNN_BACKEND_TENSOR_DESCRIPTOR,
       {{CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, kNeeded, kAxes},
        {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, kNeeded, kAxes},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64},
        {CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, kOptional}}},
      {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
       {{CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE},
        {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, kNeeded, kAxes},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, kNeeded, kAxes},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, kNeeded, kAxes},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, kNeeded, kAxes}}},
      {CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE},
        {CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE},
        {CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, CUDNN_TYPE_DOUBLE, kOptional}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_DOUBLE},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_DOUBLE},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kOther}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_TYPE_DOUBLE},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_TYPE_DOUBLE},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, kOther}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_TYPE_DOUBLE},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, CUDNN_TYPE_DOUBLE},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, kOther},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, kOther}}},
      {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kOther},
        {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, kOther},
        {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, kOther, kOptional},
        {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, kOther, kOptional},
        {CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, kOther, kOptional},
        {CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, kOther, kOptional}}},
      {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE},
        {CUDNN_ATTR_OPERATIONGRAPH_OPS, kOther, kNeeded, kAnyCount}}},
      {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kOther},
        {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE},
        {CUDNN_ATTR_ENGINEHEUR_RESULTS, kOther, kComputed}}},
      {CUDNN_BACKEND_ENGINE_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINE_OPERATION_GRAPH, kOther},
        {CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64},
        {CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, kComputed}}},
      {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, {{CUDNN_ATTR_ENGINECFG_ENGINE, kOther}}},
      {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
       {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE},
        {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kOther},
        {CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, kComputed}}},
      {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
       {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, kNeeded, kAnyCount},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, kNeeded, kAnyCount},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, kOptional}}}};
  return all;
}

const Rule* RuleOf(cudnnBackendDescriptorType_t of, cudnnBackendAttributeName_t name) {
  for (const Rule& rule : AllRules().at(of)) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

bool IsOfType(const Rule& rule, cudnnBackendAttributeType_t type) {
  return type == rule.type || (rule.type == CUDNN_TYPE_DOUBLE && type == CUDNN_TYPE_FLOAT);
}

size_t SizeOf(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
      return sizeof(bool);
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
      return 8;
    default:
      return 4;
  }
}

BackendDescriptor* Of(cudnnBackendDescriptor_t descriptor) {
  return static_cast<BackendDescriptor*>(descriptor);
}

// Descriptors are kept as they are now.
cudnnStatus_t SetOthers(int64_t count, const void* elements, BackendDescriptor* descriptor,
                        cudnnBackendAttributeName_t name) {
  std::vector<DescriptorPtr> others;
  for (int64_t i = 0; i < count; ++i) {
    const auto* other = Of(static_cast<const cudnnBackendDescriptor_t*>(elements)[i]);
    if (!other) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    if (!other->finalized) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
    others.push_back(std::make_shared<const BackendDescriptor>(*other));
  }
  descriptor->Put(name, others);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

double BackendDescriptor::Real(cudnnBackendAttributeName_t name, double otherwise) const {
  if (!Has(name)) return otherwise;
  return attributes.at(name).type == CUDNN_TYPE_FLOAT ? One<float>(name) : One<double>(name);
}

DescriptorPtr BackendDescriptor::Other(cudnnBackendAttributeName_t name) const {
  return Has(name) ? attributes.at(name).descriptors.front() : nullptr;
}

}  // namespace emulated_cudnn

using namespace emulated_cudnn;

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* created) {
  if (AllRules().count(type) == 0) return CUDNN_STATUS_NOT_SUPPORTED;
  *created = new BackendDescriptor{type};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  delete Of(descriptor);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* elements) {
  BackendDescriptor* set = Of(descriptor);
  if (!set) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  const Rule* rule = RuleOf(set->type, name);
  if (!rule || rule->need == kComputed || set->finalized) return CUDNN_STATUS_BAD_PARAM;
  if (!IsOfType(*rule, type)) return CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE;
  if (count < 1 || count > rule->most || !elements) return CUDNN_STATUS_BAD_PARAM;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) return SetOthers(count, elements, set, name);
  const char* first = static_cast<const char*>(elements);
  set->attributes[name] = {type, count, std::vector<char>(first, first + count * SizeOf(type))};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  BackendDescriptor* set = Of(descriptor);
  if (!set) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (set->finalized) return CUDNN_STATUS_BAD_PARAM;
  for (const Rule& rule : AllRules().at(set->type)) {
    if (rule.need == kNeeded && !set->Has(rule.name)) return CUDNN_STATUS_BAD_PARAM;
  }
  cudnnStatus_t status = FinalizeGraphPart(*set);
  if (status == CUDNN_STATUS_SUCCESS) status = FinalizeEnginePart(set);
  set->finalized = status == CUDNN_STATUS_SUCCESS;
  return status;
}

// Of descriptors, those that are asked for become what the attribute's are.
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t wanted,
                                       int64_t* count, void* elements) {
  const BackendDescriptor* asked = Of(descriptor);
  if (!asked || !count) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (!asked->finalized) return CUDNN_STATUS_NOT_INITIALIZED;
  if (!RuleOf(asked->type, name)) return CUDNN_STATUS_BAD_PARAM;
  *count = 0;
  if (!asked->Has(name)) return CUDNN_STATUS_SUCCESS;
  const Attribute& attribute = asked->attributes.at(name);
  if (attribute.type != type) return CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE;
  *count = wanted > 0 ? std::min(wanted, attribute.count) : attribute.count;
  if (wanted == 0 || attribute.count == 0) return CUDNN_STATUS_SUCCESS;
  if (!elements) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (type != CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    std::memcpy(elements, attribute.bytes.data(), *count * SizeOf(type));
    return CUDNN_STATUS_SUCCESS;
  }
  for (int64_t i = 0; i < *count; ++i) {
    BackendDescriptor* filled = Of(static_cast<cudnnBackendDescriptor_t*>(elements)[i]);
    if (!filled) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    if (filled->type != attribute.descriptors[i]->type) {
      return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
    }
    *filled = *attribute.descriptors[i];
  }
  return CUDNN_STATUS_SUCCESS;
}
