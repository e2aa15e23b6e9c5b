#ifndef CAFFE_POWER_LAYER_HPP_
#define CAFFE_POWER_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct PowerOp : ElementwiseOp {
  explicit PowerOp(const LayerParameter& param)
      : power(param.power_param().power()),
        scale(param.power_param().scale()),
        shift(param.power_param().shift()) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return raise(shift + scale * x, power); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    // A constant has gradient 0 also where the formula would give 0 * infinity.
    if (power == 0 || scale == 0) return 0;
    return dy * power * scale * raise(shift + scale * x, power - 1);
  }
  bool needs_input() const { return power != 1; }
  BlobValues needs_of_output() const { return BlobValues::kNone; }
  BlobValues leaves_of_input() const {
    return power == 1 && scale > 0 && shift == 0 ? BlobValues::kSigns : BlobValues::kNone;
  }

  CAFFE_HOST_DEVICE static Dtype raise(Dtype base, Dtype exponent) {
    if (exponent == 0) return 1;
    if (exponent == 1) return base;
    if (exponent == 2) return base * base;
    return std::pow(base, exponent);
  }

  Dtype power;
  Dtype scale;
  Dtype shift;
};

}  // namespace beyond_caffe_1

/// y = (shift + scale * x) ^ power.
template <typename Dtype>
class PowerLayer : public ElementwiseLayer<Dtype, PowerOp> {
 public:
  explicit PowerLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, PowerOp>(param) {}
  const char* type() const override { return "Power"; }
};

}  // namespace caffe

#endif  // CAFFE_POWER_LAYER_HPP_
