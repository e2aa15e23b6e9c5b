#ifndef CAFFE_ABSVAL_LAYER_HPP_
#define CAFFE_ABSVAL_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct AbsValOp : ElementwiseOp {
  explicit AbsValOp(const LayerParameter&) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return std::fabs(x); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    return x > 0 ? dy : x < 0 ? -dy : Dtype(0);
  }
  bool needs_input() const { return true; }
};

}  // namespace beyond_caffe_1

/// y = |x|; the gradient at 0 is 0.
template <typename Dtype>
class AbsValLayer : public ElementwiseLayer<Dtype, AbsValOp> {
 public:
  explicit AbsValLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, AbsValOp>(param) {}
  const char* type() const override { return "AbsVal"; }
};

}  // namespace caffe

#endif  // CAFFE_ABSVAL_LAYER_HPP_
