#ifndef TESTS_EMULATED_CUBLAS_V2_H_
#define TESTS_EMULATED_CUBLAS_V2_H_

/// The part of cuBLAS that caffe uses, by the CPU's BLAS; see cuda_runtime.h.

#include <cblas.h>
#include <cuda_runtime.h>

typedef void* cublasHandle_t;
enum cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0 };
enum cublasOperation_t { CUBLAS_OP_N = CblasNoTrans, CUBLAS_OP_T = CblasTrans };

inline cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = handle;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t) {
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasDestroy(cublasHandle_t) { return CUBLAS_STATUS_SUCCESS; }
inline const char* cublasGetStatusString(cublasStatus_t) { return "error of the emulated cuBLAS"; }

#define EMULATED_CUBLAS_OF(T, L, l)                                                                \
  inline cublasStatus_t cublas##L##gemm(cublasHandle_t, cublasOperation_t a, cublasOperation_t b,  \
                                        int m, int n, int k, const T* alpha, const T* A, int lda,  \
                                        const T* B, int ldb, const T* beta, T* C, int ldc) {       \
    cblas_##l##gemm(CblasColMajor, CBLAS_TRANSPOSE(a), CBLAS_TRANSPOSE(b), m, n, k, *alpha, A,     \
                    lda, B, ldb, *beta, C, ldc);                                                   \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }                                                                                                \
  inline cublasStatus_t cublas##L##gemv(cublasHandle_t, cublasOperation_t a, int m, int n,         \
                                        const T* alpha, const T* A, int lda, const T* x, int incx, \
                                        const T* beta, T* y, int incy) {                           \
    cblas_##l##gemv(CblasColMajor, CBLAS_TRANSPOSE(a), m, n, *alpha, A, lda, x, incx, *beta, y,    \
                    incy);                                                                         \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }                                                                                                \
  inline cublasStatus_t cublas##L##axpy(cublasHandle_t, int n, const T* alpha, const T* x,         \
                                        int incx, T* y, int incy) {                                \
    cblas_##l##axpy(n, *alpha, x, incx, y, incy);                                                  \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }                                                                                                \
  inline cublasStatus_t cublas##L##scal(cublasHandle_t, int n, const T* alpha, T* x, int incx) {   \
    cblas_##l##scal(n, *alpha, x, incx);                                                           \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }                                                                                                \
  inline cublasStatus_t cublas##L##copy(cublasHandle_t, int n, const T* x, int incx, T* y,         \
                                        int incy) {                                                \
    cblas_##l##copy(n, x, incx, y, incy);                                                          \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }                                                                                                \
  inline cublasStatus_t cublas##L##dot(cublasHandle_t, int n, const T* x, int incx, const T* y,    \
                                       int incy, T* result) {                                      \
    *result = cblas_##l##dot(n, x, incx, y, incy);                                                 \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }                                                                                                \
  inline cublasStatus_t cublas##L##asum(cublasHandle_t, int n, const T* x, int incx, T* result) {  \
    *result = cblas_##l##asum(n, x, incx);                                                         \
    return CUBLAS_STATUS_SUCCESS;                                                                  \
  }
EMULATED_CUBLAS_OF(float, S, s)
EMULATED_CUBLAS_OF(double, D, d)

#endif  // TESTS_EMULATED_CUBLAS_V2_H_
