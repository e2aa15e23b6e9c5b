#ifndef TESTS_EMULATED_CUBLAS_V2_H_
#define TESTS_EMULATED_CUBLAS_V2_H_

/// The part of cuBLAS that caffe uses, by the CPU's BLAS; see cuda_runtime.h.

#include <cuda_runtime.h>

struct cublasContext;
typedef cublasContext* cublasHandle_t;
enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_EXECUTION_FAILED = 13
};
enum cublasComputeType_t { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 };
enum cublasGemmAlgo_t { CUBLAS_GEMM_DEFAULT = -1 };
enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };

cublasStatus_t cublasCreate(cublasHandle_t* handle);
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream);
cublasStatus_t cublasDestroy(cublasHandle_t handle);
const char* cublasGetStatusString(cublasStatus_t status);

// Factors are read at once; for a result on the host, calls wait.
#define EMULATED_CUBLAS_OF(T, L)                                                                  \
  cublasStatus_t cublas##L##gemm(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, \
                                 int m, int n, int k, const T* alpha, const T* A, int lda,        \
                                 const T* B, int ldb, const T* beta, T* C, int ldc);              \
  cublasStatus_t cublas##L##gemv(cublasHandle_t handle, cublasOperation_t a, int m, int n,        \
                                 const T* alpha, const T* A, int lda, const T* x, int incx,       \
                                 const T* beta, T* y, int incy);                                  \
  cublasStatus_t cublas##L##axpy(cublasHandle_t handle, int n, const T* alpha, const T* x,        \
                                 int incx, T* y, int incy);                                       \
  cublasStatus_t cublas##L##scal(cublasHandle_t handle, int n, const T* alpha, T* x, int incx);   \
  cublasStatus_t cublas##L##copy(cublasHandle_t handle, int n, const T* x, int incx, T* y,        \
                                 int incy);                                                       \
  cublasStatus_t cublas##L##dot(cublasHandle_t handle, int n, const T* x, int incx, const T* y,   \
                                int incy, T* result);                                             \
  cublasStatus_t cublas##L##asum(cublasHandle_t handle, int n, const T* x, int incx, T* result)
EMULATED_CUBLAS_OF(float, S);
EMULATED_CUBLAS_OF(double, D);
#undef EMULATED_CUBLAS_OF

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t a,
                                         cublasOperation_t b, int m, int n, int k,
                                         const float* alpha, const float* A, int lda,
                                         long long stride_a, const float* B, int ldb,
                                         long long stride_b, const float* beta, float* C, int ldc,
                                         long long stride_c, int count);

// Sums are float's, as the factors alpha and beta are.
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, int m,
                            int n, int k, const void* alpha, const void* A, cudaDataType_t a_type,
                            int lda, const void* B, cudaDataType_t b_type, int ldb,
                            const void* beta, void* C, cudaDataType_t c_type, int ldc,
                            cublasComputeType_t sums, cublasGemmAlgo_t algorithm);

#endif  // TESTS_EMULATED_CUBLAS_V2_H_
