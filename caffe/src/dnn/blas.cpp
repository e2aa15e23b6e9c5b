// Products of matrices on the CPU, one name for both precisions: BLAS, and oneDNN where that is the
// better choice.
#include <algorithm>

#include "caffe/util/math_functions.hpp"
#include "dnn/gemm.hpp"

namespace caffe {

namespace {

inline void Gemv(CBLAS_TRANSPOSE ta, int m, int n, float alpha, const float* a, const float* x,
                 float beta, float* y) {
  cblas_sgemv(CblasRowMajor, ta, m, n, alpha, a, std::max(n, 1), x, 1, beta, y, 1);
}

inline void Gemv(CBLAS_TRANSPOSE ta, int m, int n, double alpha, const double* a, const double* x,
                 double beta, double* y) {
  cblas_dgemv(CblasRowMajor, ta, m, n, alpha, a, std::max(n, 1), x, 1, beta, y, 1);
}

/// The product where a factor is a vector, by the functions for these: they read the matrix once
/// and in its order, and take a half to a tenth of the time. False where neither is.
inline bool MultiplyVector(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
                           const float* a, const float* b, float beta, float* c) {
  const bool a_stands = ta == CblasNoTrans, b_stands = tb == CblasNoTrans;
  if (m == 1 && k > 0) {
    Gemv(b_stands ? CblasTrans : CblasNoTrans, b_stands ? k : n, b_stands ? n : k, alpha, b, a,
         beta, c);
  } else if (n == 1 && k > 0) {
    Gemv(ta, a_stands ? m : k, a_stands ? k : m, alpha, a, b, beta, c);
  } else if (k == 1 && beta == 1) {
    cblas_sger(CblasRowMajor, m, n, alpha, a, 1, b, 1, c, std::max(n, 1));
  } else {
    return false;
  }
  return true;
}

inline void Gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  if (MultiplyVector(ta, tb, m, n, k, alpha, a, b, beta, c)) return;
  if (dnn::Gemm(ta != CblasNoTrans, tb != CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c,
                ldc)) {
    return;
  }
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

inline void Gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
                 const double* a, int lda, const double* b, int ldb, double beta, double* c,
                 int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace

template <typename Dtype>
void caffe_cpu_gemm(const CBLAS_TRANSPOSE TransA, const CBLAS_TRANSPOSE TransB, const int M,
                    const int N, const int K, const Dtype alpha, const Dtype* A, const Dtype* B,
                    const Dtype beta, Dtype* C) {
  const int lda = std::max(1, TransA == CblasNoTrans ? K : M);
  const int ldb = std::max(1, TransB == CblasNoTrans ? N : K);
  Gemm(TransA, TransB, M, N, K, alpha, A, lda, B, ldb, beta, C, std::max(1, N));
}

template <typename Dtype>
void caffe_cpu_gemv(const CBLAS_TRANSPOSE TransA, const int M, const int N, const Dtype alpha,
                    const Dtype* A, const Dtype* x, const Dtype beta, Dtype* y) {
  Gemv(TransA, M, N, alpha, A, x, beta, y);
}

#define INSTANTIATE(Dtype)                                                                      \
  template void caffe_cpu_gemm<Dtype>(const CBLAS_TRANSPOSE, const CBLAS_TRANSPOSE, const int,  \
                                      const int, const int, const Dtype, const Dtype*,          \
                                      const Dtype*, const Dtype, Dtype*);                       \
  template void caffe_cpu_gemv<Dtype>(const CBLAS_TRANSPOSE, const int, const int, const Dtype, \
                                      const Dtype*, const Dtype*, const Dtype, Dtype*)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
