#ifndef TESTS_EMULATED_CUBLAS_V2_H_
#define TESTS_EMULATED_CUBLAS_V2_H_

/// The part of cuBLAS that caffe uses, by the CPU's BLAS; see cuda_runtime.h.

#include <cuda_runtime.h>

struct cublasHandleOfHost;
typedef cublasHandleOfHost* cublasHandle_t;
enum cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_EXECUTION_FAILED = 13 };
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

#endif  // TESTS_EMULATED_CUBLAS_V2_H_
