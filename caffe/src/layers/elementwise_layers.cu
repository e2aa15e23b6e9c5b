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
#include "layers/no_gradient.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

template <typename Dtype, typename Function>
struct ForwardElement {
  Function f;
  const Dtype* x;
  Dtype* y;

  CAFFE_HOST_DEVICE void operator()(int i) const { y[i] = f.forward(x[i]); }
};

template <typename Dtype, typename Function>
struct BackwardElement {
  Function f;
  const Dtype* x;
  const Dtype* y;
  const Dtype* dy;
  Dtype* dx;

  CAFFE_HOST_DEVICE void operator()(int i) const { dx[i] = f.backward(x[i], y[i], dy[i]); }
};

}  // namespace

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  if (bottom[0] == top[0] && op().needs_input()) input_.CopyFrom(*bottom[0], false, true);
  ForElements(bottom[0]->count(), ForwardElement<Dtype, Op<Dtype>>{op(), bottom[0]->gpu_data(),
                                                                   top[0]->mutable_gpu_data()});
}

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (Op<Dtype>::kDifferentiable) {
    const Op<Dtype> f = op();
    const Dtype* y = top[0]->gpu_data();
    const Dtype* x = y;
    if (f.needs_input()) x = (bottom[0] == top[0] ? input_ : *bottom[0]).gpu_data();
    ForElements(bottom[0]->count(),
                BackwardElement<Dtype, Op<Dtype>>{f, x, y, top[0]->gpu_diff(),
                                                  bottom[0]->mutable_gpu_diff()});
  } else {
    RefuseGradient(*this, propagate_down);
  }
}

#define INSTANTIATE_OF(Dtype, Op)                                                      \
  template void ElementwiseLayer<Dtype, Op>::Forward_gpu(const vector<Blob<Dtype>*>&,  \
                                                         const vector<Blob<Dtype>*>&); \
  template void ElementwiseLayer<Dtype, Op>::Backward_gpu(                             \
      const vector<Blob<Dtype>*>&, const vector<bool>&, const vector<Blob<Dtype>*>&)
#define INSTANTIATE_OP(Op)   \
  INSTANTIATE_OF(float, Op); \
  INSTANTIATE_OF(double, Op)
INSTANTIATE_OP(AbsValOp);
INSTANTIATE_OP(BNLLOp);
INSTANTIATE_OP(ClipOp);
INSTANTIATE_OP(ELUOp);
INSTANTIATE_OP(ExpOp);
INSTANTIATE_OP(LogOp);
INSTANTIATE_OP(PowerOp);
INSTANTIATE_OP(ReLUOp);
INSTANTIATE_OP(SigmoidOp);
INSTANTIATE_OP(SwishOp);
INSTANTIATE_OP(TanHOp);
INSTANTIATE_OP(ThresholdOp);

}  // namespace caffe
