#ifndef CAFFE_LOG_LAYER_HPP_
#define CAFFE_LOG_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct LogOp : ElementwiseOp {
  explicit LogOp(const LayerParameter& param)
      : scale(param.log_param().scale()), shift(param.log_param().shift()), unit(1) {
    const Dtype base = param.log_param().base();
    if (base == Dtype(-1)) return;
    CHECK(base > 0 && base != Dtype(1))
        << base << ": log_param.base must be positive and not 1, or -1 for e";
    unit = 1 / std::log(base);
  }
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return unit * std::log(shift + scale * x); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    return dy * unit * scale / (shift + scale * x);
  }
  bool needs_input() const { return true; }

  Dtype scale;
  Dtype shift;
  Dtype unit;
};

}  // namespace beyond_caffe_1

/// y = log_base(shift + scale * x); base -1 stands for e.
template <typename Dtype>
class LogLayer : public ElementwiseLayer<Dtype, LogOp> {
 public:
  explicit LogLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, LogOp>(param) {}
  const char* type() const override { return "Log"; }
};

}  // namespace caffe

#endif  // CAFFE_LOG_LAYER_HPP_
