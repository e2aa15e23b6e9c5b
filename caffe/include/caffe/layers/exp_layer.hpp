#ifndef CAFFE_EXP_LAYER_HPP_
#define CAFFE_EXP_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct ExpOp : ElementwiseOp {
  explicit ExpOp(const LayerParameter& param)
      : slope(param.exp_param().scale()), offset(param.exp_param().shift()) {
    const Dtype base = param.exp_param().base();
    if (base == Dtype(-1)) return;
    CHECK_GT(base, 0) << ": exp_param.base must be positive, or -1 for e";
    slope *= std::log(base);
    offset *= std::log(base);
  }
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return std::exp(offset + slope * x); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype, Dtype y, Dtype dy) const { return dy * slope * y; }

  // y = exp(offset + slope * x)
  Dtype slope;
  Dtype offset;
};

}  // namespace beyond_caffe_1

/// y = base ^ (shift + scale * x); base -1 stands for e.
template <typename Dtype>
class ExpLayer : public ElementwiseLayer<Dtype, ExpOp> {
 public:
  explicit ExpLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, ExpOp>(param) {}
  const char* type() const override { return "Exp"; }
};

}  // namespace caffe

#endif  // CAFFE_EXP_LAYER_HPP_
