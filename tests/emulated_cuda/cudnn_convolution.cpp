#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "cudnn_products.hpp"
#include "refusals.hpp"

using namespace emulated_cudnn;

namespace {

std::atomic<bool> may_convolve(true);

}  // namespace

namespace emulated_cuda {

void MayConvolve(bool may) { may_convolve = may; }
bool CanConvolve() { return may_convolve; }

}  // namespace emulated_cuda

namespace {

cudnnStatus_t Check(const Sides& sides) {
  if (!may_convolve) return CUDNN_STATUS_NOT_SUPPORTED;
  if (!sides.Belong()) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  const cudnnDataType_t type = sides.x.type;
  if (type != sides.w.type || type != sides.y.type) return CUDNN_STATUS_BAD_PARAM;
  // Sums of smaller types are float's.
  const auto sums = type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
  return sides.convolution.compute_type == sums ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

Numbers Factors(const Sides& sides, const Values& values) {
  Numbers numbers = values.Read();
  if (sides.x.type != CUDNN_DATA_FLOAT || sides.convolution.math == CUDNN_FMA_MATH) return numbers;
  for (double& number : numbers) number = Rounded(number, kBitsOfTF32);
  return numbers;
}

// Algorithms, the fastest first: two that must not be chosen, one that cannot do it, a good one
// that needs a workspace of its own size, which is much too large for more than two images, one
// that fails in spite of its being listed, and a slow one, each for one math type.
enum { kUnordered, kLarge, kUnable, kGood, kFails, kSlow, kAlgorithms };
const size_t kLargeBytes = size_t(3) << 30;

size_t WorkspaceOf(const Sides& sides, int algorithm) {
  if (algorithm == kLarge || (algorithm == kGood && sides.x.n > 2)) return kLargeBytes;
  return algorithm == kGood ? 1000 + sides.y.count() % 1000 : 0;
}

cudnnMathType_t MathOf(const Sides& sides, int algorithm) {
  // Of the math types allowed, the good one takes the strictest.
  const bool strict = algorithm == kGood && sides.convolution.math == CUDNN_DEFAULT_MATH;
  return strict ? CUDNN_FMA_MATH : sides.convolution.math;
}

template <typename Perf>
cudnnStatus_t List(cudnnHandle_t handle, const Sides& sides, int wanted, int* returned,
                   Perf* results) {
  const cudnnStatus_t status = Check(sides);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (!handle->Call({}, [] {})) return CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH;
  *returned = std::min<int>(wanted, kAlgorithms);
  for (int a = 0; a < *returned; ++a) {
    results[a].algo = static_cast<decltype(results[a].algo)>(a);
    results[a].status = a == kUnable ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
    results[a].time = -1;
    results[a].memory = WorkspaceOf(sides, a);
    results[a].determinism = a == kUnordered ? CUDNN_NON_DETERMINISTIC : CUDNN_DETERMINISTIC;
    results[a].mathType = MathOf(sides, a);
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t NeededWorkspace(const Sides& sides, int algorithm, size_t* bytes) {
  *bytes = WorkspaceOf(sides, algorithm);
  return algorithm == kUnable ? CUDNN_STATUS_NOT_SUPPORTED : Check(sides);
}

// Queues a product, which uses its workspace.
cudnnStatus_t Run(cudnnHandle_t handle, Product product, const Sides& sides, int algorithm,
                  void* workspace, size_t bytes, const void* alpha, const void* beta,
                  const Values& a, const Values& b, const Values& result) {
  const cudnnStatus_t status = Check(sides);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  const size_t needed = WorkspaceOf(sides, algorithm);
  if (algorithm == kFails) return CUDNN_STATUS_NOT_SUPPORTED;
  // Listed for a math type, an algorithm may need more memory under another.
  const bool as_listed =
      algorithm == kSlow || (algorithm == kGood && sides.convolution.math != CUDNN_DEFAULT_MATH);
  if (!as_listed || bytes < needed) return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  if (needed > 0 && !workspace) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (needed > 0 && !emulated_cuda::HoldsOnDevice(workspace, bytes)) {
    return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  }
  const double factor = Factor(alpha, sides.x.type), of_old = Factor(beta, sides.x.type);
  return Queue(handle, {a, b, result}, [=] {
    if (needed > 0) std::memset(workspace, 0xff, needed);
    if (algorithm == kSlow) emulated_cuda::Spend(std::chrono::hours(1));
    const Numbers left = Factors(sides, a), right = Factors(sides, b);
    result.Write(Multiply(product, sides, left, right), factor, of_old);
  });
}

}  // namespace

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
    cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y, int wanted, int* returned,
    cudnnConvolutionFwdAlgoPerf_t* results) {
  return List(handle, {*x, *w, *y, *convolution}, wanted, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy,
    cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t dx, int wanted, int* returned,
    cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return List(handle, {*dx, *w, *dy, *convolution}, wanted, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy,
    cudnnConvolutionDescriptor_t convolution, cudnnFilterDescriptor_t dw, int wanted, int* returned,
    cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return List(handle, {*x, *dw, *dy, *convolution}, wanted, returned, results);
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t convolution,
                                                      cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algorithm,
                                                      size_t* bytes) {
  return NeededWorkspace({*x, *w, *y, *convolution}, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t dy,
                                                           cudnnConvolutionDescriptor_t convolution,
                                                           cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t algorithm,
                                                           size_t* bytes) {
  return NeededWorkspace({*dx, *w, *dy, *convolution}, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy,
    cudnnConvolutionDescriptor_t convolution, cudnnFilterDescriptor_t dw,
    cudnnConvolutionBwdFilterAlgo_t algorithm, size_t* bytes) {
  return NeededWorkspace({*x, *dw, *dy, *convolution}, algorithm, bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha,
                                      cudnnTensorDescriptor_t x_tensor, const void* x,
                                      cudnnFilterDescriptor_t w_filter, const void* w,
                                      cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace,
                                      size_t workspace_bytes, const void* beta,
                                      cudnnTensorDescriptor_t y_tensor, void* y) {
  return Run(handle, Product::kFeatures, {*x_tensor, *w_filter, *y_tensor, *convolution}, algorithm,
             workspace, workspace_bytes, alpha, beta, {*x_tensor, x}, {*w_filter, w},
             {*y_tensor, y});
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           cudnnFilterDescriptor_t w_filter, const void* w,
                                           cudnnTensorDescriptor_t dy_tensor, const void* dy,
                                           cudnnConvolutionDescriptor_t convolution,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                           size_t workspace_bytes, const void* beta,
                                           cudnnTensorDescriptor_t dx_tensor, void* dx) {
  return Run(handle, Product::kImage, {*dx_tensor, *w_filter, *dy_tensor, *convolution}, algorithm,
             workspace, workspace_bytes, alpha, beta, {*w_filter, w}, {*dy_tensor, dy},
             {*dx_tensor, dx});
}

cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_tensor, const void* x,
    cudnnTensorDescriptor_t dy_tensor, const void* dy, cudnnConvolutionDescriptor_t convolution,
    cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace, size_t workspace_bytes,
    const void* beta, cudnnFilterDescriptor_t dw_filter, void* dw) {
  return Run(handle, Product::kFilter, {*x_tensor, *dw_filter, *dy_tensor, *convolution}, algorithm,
             workspace, workspace_bytes, alpha, beta, {*x_tensor, x}, {*dy_tensor, dy},
             {*dw_filter, dw});
}
