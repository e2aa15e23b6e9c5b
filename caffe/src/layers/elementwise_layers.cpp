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

template <typename Dtype, typename Function>
CAFFE_SIMD_CLONES void ForwardKernel(const Function f, std::ptrdiff_t n, const Dtype* x, Dtype* y) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) y[i] = f.forward(x[i]);
}

template <typename Dtype, typename Function>
CAFFE_SIMD_CLONES void BackwardKernel(const Function f, std::ptrdiff_t n, const Dtype* x,
                                      const Dtype* y, const Dtype* dy, Dtype* dx) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) dx[i] = f.backward(x[i], y[i], dy[i]);
}

}  // namespace

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  if (bottom[0] == top[0] && op().needs_input()) input_.CopyFrom(*bottom[0], false, true);
  const Op<Dtype> f = op();
  const ChannelLayout layout = ElementLayout(*bottom[0]);
  const Dtype* x = ReadIn(layout, *bottom[0]);
  Dtype* y = WriteIn(layout, top[0]);
  ParallelFor(bottom[0]->count(), kElementwiseGrain, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
    ForwardKernel(f, end - begin, x + begin, y + begin);
  });
}

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (Op<Dtype>::kDifferentiable) {
    const Op<Dtype> f = op();
    const ChannelLayout layout = ElementLayout(*top[0], Part::kDiff);
    const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
    const Dtype* y = ReadIn(layout, *top[0]);
    const Dtype* x = y;
    if (f.needs_input()) x = ReadIn(layout, bottom[0] == top[0] ? input_ : *bottom[0]);
    Dtype* dx = WriteIn(layout, bottom[0], Part::kDiff);
    ParallelFor(bottom[0]->count(), kElementwiseGrain,
                [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
                  BackwardKernel(f, end - begin, x + begin, y + begin, dy + begin, dx + begin);
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
CAFFE_ELEMENTWISE_LAYER(Clip);
CAFFE_ELEMENTWISE_LAYER(ELU);
CAFFE_ELEMENTWISE_LAYER(Exp);
CAFFE_ELEMENTWISE_LAYER(Log);
CAFFE_ELEMENTWISE_LAYER(Power);
CAFFE_ELEMENTWISE_LAYER(ReLU);
CAFFE_ELEMENTWISE_LAYER(Sigmoid);
CAFFE_ELEMENTWISE_LAYER(Swish);
CAFFE_ELEMENTWISE_LAYER(TanH);
CAFFE_ELEMENTWISE_LAYER(Threshold);

}  // namespace caffe
