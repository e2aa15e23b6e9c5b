#include "caffe/util/math_functions.hpp"
#include "gpu/loops.cuh"

namespace caffe {

namespace {

// y[i] = op(i): every function below is one such op.
template <typename Dtype, typename Op>
struct Assign {
  Dtype* y;
  Op op;
  __device__ void operator()(int i) const { y[i] = op(i); }
};

template <typename Dtype, typename Op>
void AssignElements(int n, Dtype* y, Op op) {
  ForElements(n, Assign<Dtype, Op>{y, op});
}

// A distribution's value from 32 random bits.
struct Bernoulli {
  const unsigned int* bits;
  double p;
  __device__ int operator()(int i) const { return bits[i] * 0x1.0p-32 < p ? 1 : 0; }
};

}  // namespace

template <typename Dtype>
void caffe_gpu_set(const int N, const Dtype alpha, Dtype* X) {
  AssignElements(N, X, [=] __device__(int) { return alpha; });
}

template <typename Dtype>
void caffe_gpu_add_scalar(const int N, const Dtype alpha, Dtype* X) {
  AssignElements(N, X, [=] __device__(int i) { return X[i] + alpha; });
}

template <typename Dtype>
void caffe_gpu_powx(const int n, const Dtype* a, const Dtype b, Dtype* y) {
  AssignElements(n, y, [=] __device__(int i) { return static_cast<Dtype>(::pow(a[i], b)); });
}

template <typename Dtype>
void caffe_gpu_sign(const int n, const Dtype* x, Dtype* y) {
  AssignElements(n, y, [=] __device__(int i) {
    return static_cast<Dtype>((Dtype(0) < x[i]) - (x[i] < Dtype(0)));
  });
}

template <typename Dtype>
void caffe_gpu_sgnbit(const int n, const Dtype* x, Dtype* y) {
  AssignElements(n, y,
                 [=] __device__(int i) { return static_cast<Dtype>(std::signbit(x[i]) ? 1 : 0); });
}

#define DEFINE_GPU_UNARY(name, function)                                    \
  template <typename Dtype>                                                 \
  void name(const int n, const Dtype* a, Dtype* y) {                        \
    AssignElements(n, y, [=] __device__(int i) { return function(a[i]); }); \
  }                                                                         \
  template void name<float>(const int, const float*, float*);               \
  template void name<double>(const int, const double*, double*)

DEFINE_GPU_UNARY(caffe_gpu_abs, ::fabs);
DEFINE_GPU_UNARY(caffe_gpu_fabs, ::fabs);
DEFINE_GPU_UNARY(caffe_gpu_exp, ::exp);
DEFINE_GPU_UNARY(caffe_gpu_log, ::log);
DEFINE_GPU_UNARY(caffe_gpu_sqrt, ::sqrt);

#define DEFINE_GPU_BINARY(name, op)                                         \
  template <typename Dtype>                                                 \
  void name(const int N, const Dtype* a, const Dtype* b, Dtype* y) {        \
    AssignElements(N, y, [=] __device__(int i) { return a[i] op b[i]; });   \
  }                                                                         \
  template void name<float>(const int, const float*, const float*, float*); \
  template void name<double>(const int, const double*, const double*, double*)

DEFINE_GPU_BINARY(caffe_gpu_add, +);
DEFINE_GPU_BINARY(caffe_gpu_sub, -);
DEFINE_GPU_BINARY(caffe_gpu_mul, *);
DEFINE_GPU_BINARY(caffe_gpu_div, /);

template <typename Dtype>
void caffe_gpu_rng_bernoulli(const int n, const Dtype p, int* r) {
  CHECK(p >= 0 && p <= 1) << p << " is no probability";
  unsigned int* bits = reinterpret_cast<unsigned int*>(r);
  caffe_gpu_rng_uniform(n, bits);
  AssignElements(n, r, Bernoulli{bits, static_cast<double>(p)});
}

#define INSTANTIATE_GPU_MATH(Dtype)                                                  \
  template void caffe_gpu_set<Dtype>(const int, const Dtype, Dtype*);                \
  template void caffe_gpu_add_scalar<Dtype>(const int, const Dtype, Dtype*);         \
  template void caffe_gpu_powx<Dtype>(const int, const Dtype*, const Dtype, Dtype*); \
  template void caffe_gpu_sign<Dtype>(const int, const Dtype*, Dtype*);              \
  template void caffe_gpu_sgnbit<Dtype>(const int, const Dtype*, Dtype*);            \
  template void caffe_gpu_rng_bernoulli<Dtype>(const int, const Dtype, int*)
INSTANTIATE_GPU_MATH(float);
INSTANTIATE_GPU_MATH(double);
template void caffe_gpu_set<int>(const int, const int, int*);

}  // namespace caffe
