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
#include "gpu/layout.hpp"
#include "gpu/vectors.cuh"
#include "layers/no_gradient.hpp"

namespace caffe {

namespace {

// Element i: unit i of the values.
template <typename Real, typename Unit, typename Function>
struct ForwardUnit {
  Function f;
  const Unit* x;
  Unit* y;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Unit in = x[i];
    Unit out;
    for (int k = 0; k < Unit::kSize; ++k) out[k] = f.forward(Real(in[k]));
    y[i] = out;
  }
};

template <typename Real, typename Unit, typename Function>
struct BackwardUnit {
  Function f;
  const Unit* x;
  const Unit* y;
  const Unit* dy;
  Unit* dx;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Unit in = x[i], result = y[i], diff = dy[i];
    Unit out;
    for (int k = 0; k < Unit::kSize; ++k) {
      out[k] = f.backward(Real(in[k]), Real(result[k]), Real(diff[k]));
    }
    dx[i] = out;
  }
};

}  // namespace

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  const Op<Dtype> f = op();
  const ChannelLayout layout = StoredOnGpu(*bottom[0]);
  const int count = bottom[0]->count();
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, *bottom[0]);
    if (bottom[0] == top[0] && f.needs_input()) {
      input_.ReshapeLike(*bottom[0]);
      caffe_gpu_memcpy(count * sizeof(T), x, WriteOnGpu<T>(layout, &input_));
    }
    T* y = WriteOnGpu<T>(layout, top[0]);
    ForUnitsOfBlob<T>(count, Aligned(x, y), [&](auto* unit) {
      using Unit = std::remove_pointer_t<decltype(unit)>;
      return ForwardUnit<Dtype, Unit, Op<Dtype>>{f, AsUnits<Unit>(x), AsUnits<Unit>(y)};
    });
  });
}

template <typename Dtype, template <typename> class Op>
void ElementwiseLayer<Dtype, Op>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (Op<Dtype>::kDifferentiable) {
    const Op<Dtype> f = op();
    const ChannelLayout layout = StoredOnGpu(*top[0], Part::kDiff);
    const int count = bottom[0]->count();
    VisitOnGpu<Dtype>(layout, [&](auto type) {
      using T = decltype(type);
      const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
      const T* y = ReadOnGpu<T>(layout, *top[0]);
      const T* x = y;
      if (f.needs_input()) x = ReadOnGpu<T>(layout, bottom[0] == top[0] ? input_ : *bottom[0]);
      T* dx = WriteOnGpu<T>(layout, bottom[0], Part::kDiff);
      ForUnitsOfBlob<T>(count, Aligned(x, y, dy, dx), [&](auto* unit) {
        using Unit = std::remove_pointer_t<decltype(unit)>;
        return BackwardUnit<Dtype, Unit, Op<Dtype>>{f, AsUnits<Unit>(x), AsUnits<Unit>(y),
                                                    AsUnits<Unit>(dy), AsUnits<Unit>(dx)};
      });
    });
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
