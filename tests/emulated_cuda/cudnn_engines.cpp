// The engines that the graph interface offers: of those of mode A, the fastest first, some that
// must not be chosen for what they note or for their memory, one that cannot do it after all, and a
// good one; a slower one needs much memory. Floats are rounded to TF32 at least; the fallback's are
// not, where nothing follows the product, nor are those of an engine for tensors in plain order.
// Events see that the engines take different times.
#include <algorithm>

#include "cudnn_graph.hpp"
#include "refusals.hpp"

namespace emulated_cudnn {

namespace {

enum { kUnordered, kNarrow, kLarge, kUnable, kGood, kExact, kPlain, kGreedy };
// More than may be asked for, and more than a full device has.
const int64_t kLargeBytes = int64_t(3) << 30, kGreedyBytes = int64_t(8) << 20;
const int kBitsOfHalf = 8;

const std::vector<Engine>& Engines() {
  const auto kTensorCore = CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
  static const std::vector<Engine> engines = {
      {kUnordered, CUDNN_HEUR_MODE_A, 1, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}},
      {kNarrow,
       CUDNN_HEUR_MODE_A,
       2,
       {kTensorCore, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS},
       kBitsOfHalf},
      {kLarge, CUDNN_HEUR_MODE_A, 3, {kTensorCore}, kBitsOfTF32},
      {kUnable, CUDNN_HEUR_MODE_A, 4, {kTensorCore}, kBitsOfTF32},
      {kGood, CUDNN_HEUR_MODE_A, 5, {kTensorCore}, kBitsOfTF32},
      {kExact, CUDNN_HEUR_MODE_A, 0, {}},
      {kPlain, CUDNN_HEUR_MODE_FALLBACK, 10, {}},
      {kGreedy, CUDNN_HEUR_MODE_A, 6, {kTensorCore}, kBitsOfTF32}};
  return engines;
}

// Floats, one row behind the other; not for all images, so that algorithms are chosen, too.
bool IsForExact(const Operation& product) {
  const Tensor& x = product.sides.x;
  return x.type == CUDNN_DATA_FLOAT && x.c % 2 == 0 && x.strides[3] == 1 && x.strides[1] != 1;
}

// Results of another type than the factors', and functions of exact products, are for few.
bool CanDo(const Engine& engine, const std::vector<Operation>& operations) {
  const Operation& product = operations.front();
  const bool mixed =
      !product.result.is_virtual && product.result.tensor.type != product.inputs[0].tensor.type;
  if (engine.index == kPlain) return operations.size() == 1;
  if (engine.index == kExact) return operations.size() == 1 && IsForExact(product);
  return engine.index != kUnable && !mixed;
}

int64_t WorkspaceOf(const Engine& engine, const std::vector<Operation>& operations) {
  if (engine.index == kLarge) return kLargeBytes;
  if (engine.index == kGreedy) return kGreedyBytes;
  return engine.index == kGood || engine.index == kExact
             ? 1000 + operations.front().sides.y.count() % 1000
             : 0;
}

DescriptorPtr Finalized(BackendDescriptor descriptor) {
  descriptor.finalized = FinalizeEnginePart(&descriptor) == CUDNN_STATUS_SUCCESS;
  return std::make_shared<const BackendDescriptor>(descriptor);
}

DescriptorPtr ConfigurationOf(const Engine& engine, const DescriptorPtr& graph) {
  BackendDescriptor of_engine = {CUDNN_BACKEND_ENGINE_DESCRIPTOR};
  of_engine.Put(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, {graph});
  of_engine.Put<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, {engine.index});
  BackendDescriptor configuration = {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR};
  configuration.Put(CUDNN_ATTR_ENGINECFG_ENGINE, {Finalized(of_engine)});
  return Finalized(configuration);
}

bool IsOf(cudnnBackendDescriptorType_t type, const DescriptorPtr& descriptor) {
  return descriptor && descriptor->type == type;
}

cudnnStatus_t FinalizeHeuristics(BackendDescriptor* heuristics) {
  const DescriptorPtr graph = heuristics->Other(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (!IsOf(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, graph)) {
    return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
  }
  const auto mode = heuristics->One<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE);
  std::vector<DescriptorPtr> results;
  for (const Engine& engine : Engines()) {
    if (engine.mode == mode && emulated_cuda::CanConvolve())
      results.push_back(ConfigurationOf(engine, graph));
  }
  heuristics->Put(CUDNN_ATTR_ENGINEHEUR_RESULTS, results);
  return results.empty() ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t FinalizeEngine(BackendDescriptor* descriptor) {
  if (!IsOf(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
            descriptor->Other(CUDNN_ATTR_ENGINE_OPERATION_GRAPH))) {
    return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
  }
  const auto index = descriptor->One<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
  if (index < 0 || index >= int64_t(Engines().size())) return CUDNN_STATUS_BAD_PARAM;
  descriptor->Put(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                  Engines()[index].notes);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t FinalizePlan(BackendDescriptor* plan) {
  if (!IsOf(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
            plan->Other(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG))) {
    return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
  }
  const auto handle = plan->One<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
  if (!handle) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  const Engine& engine = EngineOf(*plan);
  const std::vector<Operation> operations = OperationsOfPlan(*plan);
  if (!CanDo(engine, operations)) return CUDNN_STATUS_NOT_SUPPORTED;
  plan->device = handle->device;
  plan->Put<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                     {WorkspaceOf(engine, operations)});
  return CUDNN_STATUS_SUCCESS;
}

DescriptorPtr EngineDescriptorOf(const BackendDescriptor& plan) {
  return plan.Other(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->Other(CUDNN_ATTR_ENGINECFG_ENGINE);
}

}  // namespace

bool Engine::Has(cudnnBackendNumericalNote_t note) const {
  return std::find(notes.begin(), notes.end(), note) != notes.end();
}

const Engine& EngineOf(const BackendDescriptor& plan) {
  return Engines()[EngineDescriptorOf(plan)->One<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX)];
}

std::vector<Operation> OperationsOfPlan(const BackendDescriptor& plan) {
  return OperationsOf(*EngineDescriptorOf(plan)->Other(CUDNN_ATTR_ENGINE_OPERATION_GRAPH));
}

cudnnStatus_t FinalizeEnginePart(BackendDescriptor* descriptor) {
  switch (descriptor->type) {
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return FinalizeHeuristics(descriptor);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
      return FinalizeEngine(descriptor);
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
      return IsOf(CUDNN_BACKEND_ENGINE_DESCRIPTOR, descriptor->Other(CUDNN_ATTR_ENGINECFG_ENGINE))
                 ? CUDNN_STATUS_SUCCESS
                 : CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return FinalizePlan(descriptor);
    default:
      return CUDNN_STATUS_SUCCESS;
  }
}

}  // namespace emulated_cudnn
