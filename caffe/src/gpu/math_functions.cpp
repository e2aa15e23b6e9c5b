// The functions of math_functions.hpp that cuBLAS and cuRAND do; the rest is in math_functions.cu.
#ifndef CPU_ONLY

#include "caffe/util/math_functions.hpp"

#include <algorithm>

#include "caffe/syncedmem.hpp"
#include "core/cublas.hpp"

namespace caffe {

// ---- cuBLAS and cuRAND: one name for both precisions ----

namespace {

template <typename Dtype>
struct Library;

#define LIBRARY_OF(Dtype, letter, suffix)                               \
  template <>                                                           \
  struct Library<Dtype> {                                               \
    static inline const auto gemm = CAFFE_CUBLAS(cublas##letter##gemm); \
    static inline const auto gemv = CAFFE_CUBLAS(cublas##letter##gemv); \
    static inline const auto axpy = CAFFE_CUBLAS(cublas##letter##axpy); \
    static inline const auto scal = CAFFE_CUBLAS(cublas##letter##scal); \
    static inline const auto copy = CAFFE_CUBLAS(cublas##letter##copy); \
    static inline const auto dot = CAFFE_CUBLAS(cublas##letter##dot);   \
    static inline const auto asum = CAFFE_CUBLAS(cublas##letter##asum); \
    static constexpr auto uniform = curandGenerateUniform##suffix;      \
    static constexpr auto normal = curandGenerateNormal##suffix;        \
  }
LIBRARY_OF(float, S, );
LIBRARY_OF(double, D, Double);

cublasOperation_t Operation(CBLAS_TRANSPOSE trans) {
  return trans == CblasNoTrans ? CUBLAS_OP_N : CUBLAS_OP_T;
}

}  // namespace

// cuBLAS stores matrices by columns: it sees each of ours transposed.

template <typename Dtype>
void caffe_gpu_gemm(const CBLAS_TRANSPOSE TransA, const CBLAS_TRANSPOSE TransB, const int M,
                    const int N, const int K, const Dtype alpha, const Dtype* A, const Dtype* B,
                    const Dtype beta, Dtype* C) {
  if (M == 0 || N == 0) return;
  const int lda = std::max(1, TransA == CblasNoTrans ? K : M);
  const int ldb = std::max(1, TransB == CblasNoTrans ? N : K);
  // C^T = op(B)^T op(A)^T.
  CUBLAS_CHECK(Library<Dtype>::gemm(Caffe::cublas_handle(), Operation(TransB), Operation(TransA), N,
                                    M, K, &alpha, B, ldb, A, lda, &beta, C, N));
}

template <typename Dtype>
void caffe_gpu_gemv(const CBLAS_TRANSPOSE TransA, const int M, const int N, const Dtype alpha,
                    const Dtype* A, const Dtype* x, const Dtype beta, Dtype* y) {
  const cublasOperation_t operation = TransA == CblasNoTrans ? CUBLAS_OP_T : CUBLAS_OP_N;
  CUBLAS_CHECK(Library<Dtype>::gemv(Caffe::cublas_handle(), operation, N, M, &alpha, A,
                                    std::max(1, N), x, 1, &beta, y, 1));
}

template <typename Dtype>
void caffe_gpu_axpy(const int N, const Dtype alpha, const Dtype* X, Dtype* Y) {
  CUBLAS_CHECK(Library<Dtype>::axpy(Caffe::cublas_handle(), N, &alpha, X, 1, Y, 1));
}

template <typename Dtype>
void caffe_gpu_scal(const int N, const Dtype alpha, Dtype* X) {
  CUBLAS_CHECK(Library<Dtype>::scal(Caffe::cublas_handle(), N, &alpha, X, 1));
}

template <typename Dtype>
void caffe_gpu_scale(const int n, const Dtype alpha, const Dtype* x, Dtype* y) {
  CUBLAS_CHECK(Library<Dtype>::copy(Caffe::cublas_handle(), n, x, 1, y, 1));
  caffe_gpu_scal(n, alpha, y);
}

template <typename Dtype>
void caffe_gpu_axpby(const int N, const Dtype alpha, const Dtype* X, const Dtype beta, Dtype* Y) {
  // beta = 0 overwrites, as in BLAS: what stood in Y may be NaN.
  if (beta == Dtype(0)) {
    caffe_gpu_scale(N, alpha, X, Y);
    return;
  }
  caffe_gpu_scal(N, beta, Y);
  caffe_gpu_axpy(N, alpha, X, Y);
}

template <typename Dtype>
void caffe_gpu_dot(const int n, const Dtype* x, const Dtype* y, Dtype* out) {
  CUBLAS_CHECK(Library<Dtype>::dot(Caffe::cublas_handle(), n, x, 1, y, 1, out));
}

template <typename Dtype>
void caffe_gpu_asum(const int n, const Dtype* x, Dtype* y) {
  CUBLAS_CHECK(Library<Dtype>::asum(Caffe::cublas_handle(), n, x, 1, y));
}

namespace {

bool OnDevice(const void* memory) {
  cudaPointerAttributes attributes;
  CUDA_CHECK(cudaPointerGetAttributes(&attributes, memory));
  return attributes.type == cudaMemoryTypeDevice;
}

}  // namespace

void caffe_gpu_memcpy(const size_t N, const void* X, void* Y) {
  if (X == Y) return;
  CUDA_CHECK(cudaMemcpyAsync(Y, X, N, cudaMemcpyDefault, ThreadStream()));
  // The host may read or change its side at once.
  if (!OnDevice(X) || !OnDevice(Y)) CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
}

// ---- random numbers ----

void caffe_gpu_rng_uniform(const int n, unsigned int* r) {
  if (n == 0) return;
  CURAND_CHECK(curandGenerate(Caffe::curand_generator(), r, n));
}

template <typename Dtype>
void caffe_gpu_rng_uniform(const int n, const Dtype a, const Dtype b, Dtype* r) {
  CHECK_LE(a, b) << ": the lower bound of random numbers comes first";
  if (n == 0) return;
  CURAND_CHECK(Library<Dtype>::uniform(Caffe::curand_generator(), r, n));
  if (b - a != Dtype(1)) caffe_gpu_scal(n, b - a, r);
  if (a != Dtype(0)) caffe_gpu_add_scalar(n, a, r);
}

template <typename Dtype>
void caffe_gpu_rng_gaussian(const int n, const Dtype mu, const Dtype sigma, Dtype* r) {
  CHECK_GT(sigma, 0) << ": the standard deviation must be positive";
  // cuRAND makes normal numbers in pairs.
  const int even = n - n % 2;
  if (even > 0) {
    CURAND_CHECK(Library<Dtype>::normal(Caffe::curand_generator(), r, even, mu, sigma));
  }
  if (even < n) {
    SyncedMemory pair(2 * sizeof(Dtype));
    Dtype* last = static_cast<Dtype*>(pair.mutable_gpu_data());
    CURAND_CHECK(Library<Dtype>::normal(Caffe::curand_generator(), last, 2, mu, sigma));
    caffe_gpu_memcpy(sizeof(Dtype), last, r + even);
  }
}

// ---- the precisions ----

#define INSTANTIATE_GPU_LIBRARY(Dtype)                                                             \
  template void caffe_gpu_gemm<Dtype>(const CBLAS_TRANSPOSE, const CBLAS_TRANSPOSE, const int,     \
                                      const int, const int, const Dtype, const Dtype*,             \
                                      const Dtype*, const Dtype, Dtype*);                          \
  template void caffe_gpu_gemv<Dtype>(const CBLAS_TRANSPOSE, const int, const int, const Dtype,    \
                                      const Dtype*, const Dtype*, const Dtype, Dtype*);            \
  template void caffe_gpu_axpy<Dtype>(const int, const Dtype, const Dtype*, Dtype*);               \
  template void caffe_gpu_axpby<Dtype>(const int, const Dtype, const Dtype*, const Dtype, Dtype*); \
  template void caffe_gpu_scal<Dtype>(const int, const Dtype, Dtype*);                             \
  template void caffe_gpu_scale<Dtype>(const int, const Dtype, const Dtype*, Dtype*);              \
  template void caffe_gpu_dot<Dtype>(const int, const Dtype*, const Dtype*, Dtype*);               \
  template void caffe_gpu_asum<Dtype>(const int, const Dtype*, Dtype*);                            \
  template void caffe_gpu_rng_uniform<Dtype>(const int, const Dtype, const Dtype, Dtype*);         \
  template void caffe_gpu_rng_gaussian<Dtype>(const int, const Dtype, const Dtype, Dtype*)
INSTANTIATE_GPU_LIBRARY(float);
INSTANTIATE_GPU_LIBRARY(double);

}  // namespace caffe

#endif  // CPU_ONLY
