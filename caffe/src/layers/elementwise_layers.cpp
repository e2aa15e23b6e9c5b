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
#include "layers/element_layout.hpp"
#include "layers/no_gradient.hpp"
#include "util/vector_math.hpp"

namespace caffe {

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
    const auto forward = [f](T in) { return T(f.forward(Dtype(in))); };
    ParallelMap(bottom[0]->count(), y, forward, x);
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
      const auto backward = [f](T in, T out, T diff) {
        return T(f.backward(Dtype(in), Dtype(out), Dtype(diff)));
      };
      ParallelMap(bottom[0]->count(), dx, backward, x, y, dy);
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
