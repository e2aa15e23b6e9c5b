// Of caffe/util/math_functions.hpp, what is no product of matrices (that: dnn/blas.cpp).
#include "caffe/util/math_functions.hpp"

#include <algorithm>
#include <bitset>
#include <limits>
#include <vector>

#include <boost/random/bernoulli_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_real.hpp>
#include <boost/random/variate_generator.hpp>

#include "caffe/util/rng.hpp"
#include "util/copy_elements.hpp"
#include "util/parallel_sum.hpp"
#include "util/vector_math.hpp"

namespace caffe {

// ---- element by element ----

template <typename Dtype>
void caffe_axpy(const int N, const Dtype alpha, const Dtype* X, Dtype* Y) {
  ParallelElements(N, [=](std::ptrdiff_t i) { Y[i] += alpha * X[i]; });
}

template <typename Dtype>
void caffe_cpu_axpby(const int N, const Dtype alpha, const Dtype* X, const Dtype beta, Dtype* Y) {
  // beta = 0 overwrites, as in BLAS: what stood in Y may be NaN.
  if (beta == Dtype(0)) {
    ParallelElements(N, [=](std::ptrdiff_t i) { Y[i] = alpha * X[i]; });
  } else {
    ParallelElements(N, [=](std::ptrdiff_t i) { Y[i] = alpha * X[i] + beta * Y[i]; });
  }
}

template <typename Dtype>
void caffe_copy(const int N, const Dtype* X, Dtype* Y) {
  if (X == Y) return;
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    return caffe_gpu_memcpy(sizeof(Dtype) * N, X, Y);
  }
#endif
  CopyElements(N, X, Y);
}

template <typename Dtype>
void caffe_set(const int N, const Dtype alpha, Dtype* X) {
  ParallelFor(N, 4 * kElementwiseGrain, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
    std::fill(X + begin, X + end, alpha);
  });
}

template <typename Dtype>
void caffe_add_scalar(const int N, const Dtype alpha, Dtype* X) {
  ParallelElements(N, [=](std::ptrdiff_t i) { X[i] += alpha; });
}

template <typename Dtype>
void caffe_scal(const int N, const Dtype alpha, Dtype* X) {
  ParallelElements(N, [=](std::ptrdiff_t i) { X[i] *= alpha; });
}

template <typename Dtype>
void caffe_cpu_scale(const int n, const Dtype alpha, const Dtype* x, Dtype* y) {
  ParallelElements(n, [=](std::ptrdiff_t i) { y[i] = alpha * x[i]; });
}

#define DEFINE_UNARY(name, expression)                                   \
  template <typename Dtype>                                              \
  void name(const int n, const Dtype* a, Dtype* y) {                     \
    ParallelElements(n, [=](std::ptrdiff_t i) { y[i] = (expression); }); \
  }

DEFINE_UNARY(caffe_sqr, a[i] * a[i])
DEFINE_UNARY(caffe_sqrt, std::sqrt(a[i]))
DEFINE_UNARY(caffe_abs, std::fabs(a[i]))
DEFINE_UNARY(caffe_cpu_fabs, std::fabs(a[i]))
DEFINE_UNARY(caffe_cpu_sign, caffe_sign(a[i]))
DEFINE_UNARY(caffe_cpu_sgnbit, std::signbit(a[i]) ? 1 : 0)

#define DEFINE_BINARY(name, op)                                          \
  template <typename Dtype>                                              \
  void name(const int N, const Dtype* a, const Dtype* b, Dtype* y) {     \
    ParallelElements(N, [=](std::ptrdiff_t i) { y[i] = a[i] op b[i]; }); \
  }

DEFINE_BINARY(caffe_add, +)
DEFINE_BINARY(caffe_sub, -)
DEFINE_BINARY(caffe_mul, *)
DEFINE_BINARY(caffe_div, /)

template <typename Dtype>
void caffe_exp(const int n, const Dtype* a, Dtype* y) {
  const auto exp = [](Dtype x) { return std::exp(x); };
  ParallelMap(n, y, exp, a);
}

template <typename Dtype>
void caffe_log(const int n, const Dtype* a, Dtype* y) {
  const auto log = [](Dtype x) { return std::log(x); };
  ParallelMap(n, y, log, a);
}

template <typename Dtype>
void caffe_powx(const int n, const Dtype* a, const Dtype b, Dtype* y) {
  const auto power = [=](Dtype x) { return std::pow(x, b); };
  ParallelMap(n, y, power, a);
}

// ---- sums ----

template <typename Dtype>
Dtype caffe_cpu_dot(const int n, const Dtype* x, const Dtype* y) {
  return ParallelSum<Dtype>(n, [=](std::ptrdiff_t i) { return x[i] * y[i]; });
}

template <typename Dtype>
Dtype caffe_cpu_strided_dot(const int n, const Dtype* x, const int incx, const Dtype* y,
                            const int incy) {
  return ParallelSum<Dtype>(n, [=](std::ptrdiff_t i) { return x[i * incx] * y[i * incy]; });
}

template <typename Dtype>
Dtype caffe_cpu_asum(const int n, const Dtype* x) {
  return ParallelSum<Dtype>(n, [=](std::ptrdiff_t i) { return std::fabs(x[i]); });
}

template <typename Dtype>
int caffe_cpu_hamming_distance(const int n, const Dtype* x, const Dtype* y) {
  const auto bits = [](Dtype value) {
    return std::bitset<64>(static_cast<uint64_t>(static_cast<int64_t>(value)));
  };
  size_t distance = 0;
  for (int i = 0; i < n; ++i) distance += (bits(x[i]) ^ bits(y[i])).count();
  return static_cast<int>(distance);
}

// ---- random numbers ----

unsigned int caffe_rng_rand() { return (*caffe_rng())(); }

template <typename Dtype>
Dtype caffe_nextafter(const Dtype b) {
  return std::nextafter(b, std::numeric_limits<Dtype>::max());
}

namespace {

template <typename Value, typename Distribution>
void Draw(int n, const Distribution& distribution, Value* r) {
  CHECK_GE(n, 0) << " random numbers cannot be drawn";
  CHECK(r || n == 0) << "no memory to draw random numbers into";
  boost::variate_generator<rng_t*, Distribution> next(caffe_rng(), distribution);
  for (int i = 0; i < n; ++i) r[i] = static_cast<Value>(next());
}

template <typename Dtype, typename Value>
void DrawBernoulli(int n, Dtype p, Value* r) {
  CHECK(p >= 0 && p <= 1) << p << " is no probability";
  Draw(n, boost::bernoulli_distribution<Dtype>(p), r);
}

}  // namespace

template <typename Dtype>
void caffe_rng_uniform(const int n, const Dtype a, const Dtype b, Dtype* r) {
  CHECK_LE(a, b) << ": the lower bound of random numbers comes first";
  // Of an infinite range no number would ever be drawn.
  CHECK(std::isfinite(a) && std::isfinite(b))
      << "random numbers between " << a << " and " << b << ": give finite bounds";
  // The distribution excludes its upper end.
  Draw(n, boost::uniform_real<Dtype>(a, caffe_nextafter(b)), r);
}

template <typename Dtype>
void caffe_rng_gaussian(const int n, const Dtype mu, const Dtype sigma, Dtype* r) {
  CHECK_GT(sigma, 0) << ": the standard deviation must be positive";
  Draw(n, boost::normal_distribution<Dtype>(mu, sigma), r);
}

template <typename Dtype>
void caffe_rng_bernoulli(const int n, const Dtype p, int* r) {
  DrawBernoulli(n, p, r);
}

template <typename Dtype>
void caffe_rng_bernoulli(const int n, const Dtype p, unsigned int* r) {
  DrawBernoulli(n, p, r);
}

// ---- the precisions ----

#define INSTANTIATE_MATH(Dtype)                                                                    \
  template void caffe_axpy<Dtype>(const int, const Dtype, const Dtype*, Dtype*);                   \
  template void caffe_cpu_axpby<Dtype>(const int, const Dtype, const Dtype*, const Dtype, Dtype*); \
  template void caffe_powx<Dtype>(const int, const Dtype*, const Dtype, Dtype*);                   \
  template void caffe_cpu_scale<Dtype>(const int, const Dtype, const Dtype*, Dtype*);              \
  template Dtype caffe_cpu_dot<Dtype>(const int, const Dtype*, const Dtype*);                      \
  template Dtype caffe_cpu_strided_dot<Dtype>(const int, const Dtype*, const int, const Dtype*,    \
                                              const int);                                          \
  template Dtype caffe_cpu_asum<Dtype>(const int, const Dtype*);                                   \
  template int caffe_cpu_hamming_distance<Dtype>(const int, const Dtype*, const Dtype*);           \
  template Dtype caffe_nextafter<Dtype>(const Dtype);                                              \
  template void caffe_rng_uniform<Dtype>(const int, const Dtype, const Dtype, Dtype*);             \
  template void caffe_rng_gaussian<Dtype>(const int, const Dtype, const Dtype, Dtype*);            \
  template void caffe_rng_bernoulli<Dtype>(const int, const Dtype, int*);                          \
  template void caffe_rng_bernoulli<Dtype>(const int, const Dtype, unsigned int*)
INSTANTIATE_MATH(float);
INSTANTIATE_MATH(double);

#define INSTANTIATE_UNARY(name)                               \
  template void name<float>(const int, const float*, float*); \
  template void name<double>(const int, const double*, double*)
INSTANTIATE_UNARY(caffe_sqr);
INSTANTIATE_UNARY(caffe_sqrt);
INSTANTIATE_UNARY(caffe_exp);
INSTANTIATE_UNARY(caffe_log);
INSTANTIATE_UNARY(caffe_abs);
INSTANTIATE_UNARY(caffe_cpu_fabs);
INSTANTIATE_UNARY(caffe_cpu_sign);
INSTANTIATE_UNARY(caffe_cpu_sgnbit);
template void caffe_copy<float>(const int, const float*, float*);
template void caffe_copy<double>(const int, const double*, double*);
template void caffe_copy<int>(const int, const int*, int*);
template void caffe_copy<unsigned int>(const int, const unsigned int*, unsigned int*);

#define INSTANTIATE_BINARY(name)                                            \
  template void name<float>(const int, const float*, const float*, float*); \
  template void name<double>(const int, const double*, const double*, double*)
INSTANTIATE_BINARY(caffe_add);
INSTANTIATE_BINARY(caffe_sub);
INSTANTIATE_BINARY(caffe_mul);
INSTANTIATE_BINARY(caffe_div);

#define INSTANTIATE_SCALAR(name)                             \
  template void name<float>(const int, const float, float*); \
  template void name<double>(const int, const double, double*)
INSTANTIATE_SCALAR(caffe_set);
INSTANTIATE_SCALAR(caffe_add_scalar);
INSTANTIATE_SCALAR(caffe_scal);
template void caffe_set<int>(const int, const int, int*);

}  // namespace caffe
