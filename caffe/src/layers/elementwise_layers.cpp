#include <vector>

#include "caffe/layers/absval_layer.hpp"
#include "caffe/layers/bnll_layer.hpp"
#include "caffe/layers/clip_layer.hpp"
#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/layers/elu_layer.hpp"
#include "caffe/layers/exp_layer.hpp"
#include "caffe/layers/log_layer.hpp"
#include "caffe/layers/power_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/sigmoid_layer.hpp"
#include "caffe/layers/swish_layer.hpp"
#include "caffe/layers/tanh_layer.hpp"
#include "caffe/layers/threshold_layer.hpp"
#include "caffe/util/parallel_for.hpp"
#include "layers/element_layout.hpp"
#include "layers/no_gradient.hpp"
#include "util/simd.hpp"

namespace caffe {

namespace {

// T is what a value is kept as, Dtype what is computed with.
template <typename Dtype, typename T, typename Function>
CAFFE_SIMD_CLONES void ForwardKernel(const Function f, std::ptrdiff_t n, const T* x, T* y) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) y[i] = f.forward(Dtype(x[i]));
}

template <typename Dtype, typename T, typename Function>
CAFFE_SIMD_CLONES void BackwardKernel(const Function f, std::ptrdiff_t n, const T* x, const T* y,
                                      const T* dy, T* dx) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    dx[i] = f.backward(Dtype(x[i]), Dtype(y[i]), Dtype(dy[i]));
  }
}

}  // namespace

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  if (bottom[0] == top[0] && op().needs_input()) input_.CopyFrom(*bottom[0], false, true);
  const Op<Dtype> f = op();
  const ChannelLayout layout = StoredElementLayout(*bottom[0]);
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadAs<T>(layout, *bottom[0]);
    T* y = WriteAs<T>(layout, top[0]);
    ParallelFor(bottom[0]->count(), kElementwiseGrain,
                [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
                  ForwardKernel<Dtype>(f, end - begin, x + begin, y + begin);
                });
  });
}

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (Op<Dtype>::kDifferentiable) {
    const Op<Dtype> f = op();
    const ChannelLayout layout = StoredElementLayout(*top[0], Part::kDiff);
    VisitElements<Dtype>(layout, [&](auto type) {
      using T = decltype(type);
      const T* dy = ReadAs<T>(layout, *top[0], Part::kDiff);
      const T* y = ReadAs<T>(layout, *top[0]);
      const T* x = y;
      if (f.needs_input()) x = ReadAs<T>(layout, bottom[0] == top[0] ? input_ : *bottom[0]);
      T* dx = WriteAs<T>(layout, bottom[0], Part::kDiff);
      ParallelFor(
          bottom[0]->count(), kElementwiseGrain, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
            BackwardKernel<Dtype>(f, end - begin, x + begin, y + begin, dy + begin, dx + begin);
          });
    });
  } else {
    RefuseGradient(*this, propagate_down);
  }
}

#define CAFFE_ELEMENTWISE_LAYER(name) \
  INSTANTIATE_CLASS(name##Layer);     \
  REGISTER_LAYER_CLASS(name)
CAFFE_ELEMENTWISE_LAYER(AbsVal);
CAFFE_ELEMENTWISE_LAYER(BNLL);
CAFFE_ELEMENTWISE_LAYER(ELU);
CAFFE_ELEMENTWISE_LAYER(Exp);
CAFFE_ELEMENTWISE_LAYER(Log);
CAFFE_ELEMENTWISE_LAYER(Power);
CAFFE_ELEMENTWISE_LAYER(ReLU);
CAFFE_ELEMENTWISE_LAYER(Sigmoid);
CAFFE_ELEMENTWISE_LAYER(TanH);
CAFFE_ELEMENTWISE_LAYER(Threshold);

inline namespace beyond_caffe_1 {

CAFFE_ELEMENTWISE_LAYER(Clip);
CAFFE_ELEMENTWISE_LAYER(Swish);

}  // namespace beyond_caffe_1

}  // namespace caffe
