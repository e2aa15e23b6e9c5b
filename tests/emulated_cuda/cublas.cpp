#include <atomic>

#include <cblas.h>
#include <cublas_v2.h>

#include "cudnn_values.hpp"
#include "device_queue.hpp"
#include "refusals.hpp"

struct cublasContext : emulated_cuda::LibraryHandle {};

namespace {

std::atomic<bool> may_start(true);

}  // namespace

void emulated_cuda::MayStartCublas(bool may) { may_start = may; }

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  if (!may_start) return CUBLAS_STATUS_ALLOC_FAILED;
  *handle = new cublasContext();
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t) {
  return "emulated cuBLAS: the handle or memory of another device, or memory of the host";
}

namespace {

CBLAS_TRANSPOSE Transpose(cublasOperation_t operation) {
  return operation == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

template <typename Work>
cublasStatus_t Queue(cublasHandle_t handle, std::initializer_list<const void*> pointers,
                     const Work& work) {
  return handle->Call(pointers, work) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

template <typename Work>
cublasStatus_t Run(cublasHandle_t handle, std::initializer_list<const void*> pointers,
                   const Work& work) {
  const cublasStatus_t status = Queue(handle, pointers, work);
  if (status == CUBLAS_STATUS_SUCCESS) cudaStreamSynchronize(handle->stream);
  return status;
}

}  // namespace

#define EMULATED_CUBLAS_OF(T, L, l)                                                               \
  cublasStatus_t cublas##L##gemm(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, \
                                 int m, int n, int k, const T* alpha, const T* A, int lda,        \
                                 const T* B, int ldb, const T* beta, T* C, int ldc) {             \
    return Queue(handle, {A, B, C}, [=, alpha = *alpha, beta = *beta] {                           \
      cblas_##l##gemm(CblasColMajor, Transpose(a), Transpose(b), m, n, k, alpha, A, lda, B, ldb,  \
                      beta, C, ldc);                                                              \
    });                                                                                           \
  }                                                                                               \
  cublasStatus_t cublas##L##gemv(cublasHandle_t handle, cublasOperation_t a, int m, int n,        \
                                 const T* alpha, const T* A, int lda, const T* x, int incx,       \
                                 const T* beta, T* y, int incy) {                                 \
    return Queue(handle, {A, x, y}, [=, alpha = *alpha, beta = *beta] {                           \
      cblas_##l##gemv(CblasColMajor, Transpose(a), m, n, alpha, A, lda, x, incx, beta, y, incy);  \
    });                                                                                           \
  }                                                                                               \
  cublasStatus_t cublas##L##axpy(cublasHandle_t handle, int n, const T* alpha, const T* x,        \
                                 int incx, T* y, int incy) {                                      \
    return Queue(handle, {x, y},                                                                  \
                 [=, alpha = *alpha] { cblas_##l##axpy(n, alpha, x, incx, y, incy); });           \
  }                                                                                               \
  cublasStatus_t cublas##L##scal(cublasHandle_t handle, int n, const T* alpha, T* x, int incx) {  \
    return Queue(handle, {x}, [=, alpha = *alpha] { cblas_##l##scal(n, alpha, x, incx); });       \
  }                                                                                               \
  cublasStatus_t cublas##L##copy(cublasHandle_t handle, int n, const T* x, int incx, T* y,        \
                                 int incy) {                                                      \
    return Queue(handle, {x, y}, [=] { cblas_##l##copy(n, x, incx, y, incy); });                  \
  }                                                                                               \
  cublasStatus_t cublas##L##dot(cublasHandle_t handle, int n, const T* x, int incx, const T* y,   \
                                int incy, T* result) {                                            \
    return Run(handle, {x, y}, [=] { *result = cblas_##l##dot(n, x, incx, y, incy); });           \
  }                                                                                               \
  cublasStatus_t cublas##L##asum(cublasHandle_t handle, int n, const T* x, int incx, T* result) { \
    return Run(handle, {x}, [=] { *result = cblas_##l##asum(n, x, incx); });                      \
  }
EMULATED_CUBLAS_OF(float, S, s)
EMULATED_CUBLAS_OF(double, D, d)
#undef EMULATED_CUBLAS_OF

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t a,
                                         cublasOperation_t b, int m, int n, int k,
                                         const float* alpha, const float* A, int lda,
                                         long long stride_a, const float* B, int ldb,
                                         long long stride_b, const float* beta, float* C, int ldc,
                                         long long stride_c, int count) {
  return Queue(handle, {A, B, C}, [=, alpha = *alpha, beta = *beta] {
    for (int i = 0; i < count; ++i) {
      cblas_sgemm(CblasColMajor, Transpose(a), Transpose(b), m, n, k, alpha, A + i * stride_a, lda,
                  B + i * stride_b, ldb, beta, C + i * stride_c, ldc);
    }
  });
}

// ---- numbers of several types ----

namespace {

using emulated_cudnn::Numbers;
using emulated_cudnn::Values;

cudnnDataType_t TypeOf(cudaDataType_t type) {
  if (type == CUDA_R_32F) return CUDNN_DATA_FLOAT;
  return type == CUDA_R_16F ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16;
}

// A matrix in columns.
Values Matrix(const void* memory, cudaDataType_t type, int rows, int columns, int distance) {
  return {{TypeOf(type), 1, 1, columns, rows, {0, 0, distance, 1}}, memory};
}

std::vector<float> Factors(const Values& values, bool tf32) {
  Numbers numbers = values.Read();
  for (double& number : numbers) {
    if (tf32) number = emulated_cudnn::Rounded(number, emulated_cudnn::kBitsOfTF32);
  }
  return {numbers.begin(), numbers.end()};
}

}  // namespace

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, int m,
                            int n, int k, const void* alpha, const void* A, cudaDataType_t a_type,
                            int lda, const void* B, cudaDataType_t b_type, int ldb,
                            const void* beta, void* C, cudaDataType_t c_type, int ldc,
                            cublasComputeType_t sums, cublasGemmAlgo_t) {
  const bool tf32 = sums == CUBLAS_COMPUTE_32F_FAST_TF32 && a_type == CUDA_R_32F;
  const bool a_plain = a == CUBLAS_OP_N, b_plain = b == CUBLAS_OP_N;
  const Values left = Matrix(A, a_type, a_plain ? m : k, a_plain ? k : m, lda);
  const Values right = Matrix(B, b_type, b_plain ? k : n, b_plain ? n : k, ldb);
  const Values result = Matrix(C, c_type, m, n, ldc);
  const float factor = *static_cast<const float*>(alpha), old = *static_cast<const float*>(beta);
  return Queue(handle, {A, B, C}, [=] {
    const std::vector<float> l = Factors(left, tf32), r = Factors(right, tf32);
    std::vector<float> product(size_t(m) * n);
    cblas_sgemm(CblasColMajor, Transpose(a), Transpose(b), m, n, k, 1, l.data(), left.tensor.w,
                r.data(), right.tensor.w, 0, product.data(), m);
    result.Write(Numbers(product.begin(), product.end()), factor, old);
  });
}
