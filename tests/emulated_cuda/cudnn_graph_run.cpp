// Plans at work.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "cudnn_graph.hpp"

namespace emulated_cudnn {

namespace {

// Numbers of tensors, by the tensors' own.
using Known = std::map<int64_t, Numbers>;

// input's number for each of the result's.
Numbers Spread(const Numbers& input, const Tensor& from, const Tensor& over) {
  Numbers all;
  all.reserve(over.count());
  for (int n = 0; n < over.n; ++n) {
    for (int c = 0; c < over.c; ++c) {
      for (int h = 0; h < over.h; ++h) {
        for (int w = 0; w < over.w; ++w) {
          const size_t plane = size_t(from.n > 1 ? n : 0) * from.c + (from.c > 1 ? c : 0);
          const size_t row = plane * from.h + (from.h > 1 ? h : 0);
          all.push_back(input[row * from.w + (from.w > 1 ? w : 0)]);
        }
      }
    }
  }
  return all;
}

Numbers Apply(const Operation& operation, const Known& known) {
  std::vector<Numbers> inputs;
  for (const GraphTensor& input : operation.inputs) {
    inputs.push_back(Spread(known.at(input.id), input.tensor, operation.result.tensor));
  }
  Numbers result = inputs[0];
  for (size_t i = 0; i < result.size(); ++i) {
    switch (operation.mode) {
      case CUDNN_POINTWISE_ADD:
        result[i] += inputs[1][i];
        break;
      case CUDNN_POINTWISE_RELU_FWD:
        if (result[i] < 0) result[i] *= operation.slope;
        break;
      case CUDNN_POINTWISE_RELU_BWD:
        if (!(inputs[1][i] > 0)) result[i] *= operation.slope;
        break;
    }
  }
  return result;
}

// The sums of an engine without order differ a little each time.
Numbers Products(const Engine& engine, const Operation& operation, const Known& known) {
  static std::atomic<int> runs(0);
  std::vector<Numbers> factors;
  for (const GraphTensor& input : operation.inputs) {
    factors.push_back(known.at(input.id));
    if (engine.bits == 0 || input.tensor.type != CUDNN_DATA_FLOAT) continue;
    for (double& number : factors.back()) number = Rounded(number, engine.bits);
  }
  Numbers sums = Multiply(operation.product, operation.sides, factors[0], factors[1]);
  if (engine.Has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) {
    const double change = 1 + 1e-6 * (++runs % 3);
    for (double& sum : sums) sum *= change;
  }
  return sums;
}

void Run(const Engine& engine, const std::vector<Operation>& operations,
         const std::map<int64_t, Values>& stored) {
  Known known;
  for (const Operation& operation : operations) {
    for (const GraphTensor& input : operation.inputs) {
      if (!input.is_virtual) known[input.id] = stored.at(input.id).Read();
    }
    const Numbers result =
        operation.is_product ? Products(engine, operation, known) : Apply(operation, known);
    const int64_t id = operation.result.id;
    if (operation.result.is_virtual) {
      known[id] = result;
      for (double& number : known[id]) number *= operation.alpha;
    } else {
      stored.at(id).Write(result, operation.alpha, operation.beta);
    }
  }
  emulated_cuda::Spend(std::chrono::milliseconds(engine.milliseconds));
}

// The memory of all tensors that are not virtual, as the pack says.
cudnnStatus_t Find(const std::vector<Operation>& operations, const BackendDescriptor& pack,
                   std::map<int64_t, Values>* stored) {
  const auto numbers = pack.List<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.List<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  for (const Operation& operation : operations) {
    std::vector<GraphTensor> tensors = operation.inputs;
    tensors.push_back(operation.result);
    for (const GraphTensor& tensor : tensors) {
      if (tensor.is_virtual) continue;
      const auto at = std::find(numbers.begin(), numbers.end(), tensor.id);
      if (at == numbers.end()) return CUDNN_STATUS_BAD_PARAM;
      void* pointer = pointers[at - numbers.begin()];
      if (reinterpret_cast<uintptr_t>(pointer) % tensor.alignment != 0) {
        return CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER;
      }
      stored->emplace(tensor.id, Values(tensor.tensor, pointer));
    }
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t Execute(cudnnHandle_t handle, const BackendDescriptor& plan,
                      const BackendDescriptor& pack) {
  const bool typed = plan.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
                     pack.type == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR;
  if (!typed) return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
  if (!plan.finalized || !pack.finalized) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
  if (handle->device != plan.device) return CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH;

  const std::vector<Operation> operations = OperationsOfPlan(plan);
  std::map<int64_t, Values> stored;
  const cudnnStatus_t status = Find(operations, pack, &stored);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  std::vector<Values> values;
  for (const auto& known : stored) values.push_back(known.second);

  const auto bytes = plan.One<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
  void* workspace = pack.One<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  if (bytes > 0 && !workspace) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (bytes > 0 && !emulated_cuda::HoldsOnDevice(workspace, bytes)) {
    return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  }
  return Queue(handle, values, [=, engine = EngineOf(plan)] {
    if (bytes > 0) std::memset(workspace, 0xff, bytes);
    Run(engine, operations, stored);
  });
}

}  // namespace

}  // namespace emulated_cudnn

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  if (!handle || !plan || !pack) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  return emulated_cudnn::Execute(handle, *static_cast<emulated_cudnn::BackendDescriptor*>(plan),
                                 *static_cast<emulated_cudnn::BackendDescriptor*>(pack));
}
