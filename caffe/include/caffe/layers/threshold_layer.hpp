#ifndef CAFFE_THRESHOLD_LAYER_HPP_
#define CAFFE_THRESHOLD_LAYER_HPP_

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct ThresholdOp : ElementwiseOp {
  static constexpr bool kDifferentiable = false;
  explicit ThresholdOp(const LayerParameter& param)
      : threshold(param.threshold_param().threshold()) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return x > threshold ? 1 : 0; }

  Dtype threshold;
};

}  // namespace beyond_caffe_1

/// y = 1 where x > threshold, else 0. It has no gradient.
template <typename Dtype>
class ThresholdLayer : public ElementwiseLayer<Dtype, ThresholdOp> {
 public:
  explicit ThresholdLayer(const LayerParameter& param)
      : ElementwiseLayer<Dtype, ThresholdOp>(param) {}
  const char* type() const override { return "Threshold"; }
};

}  // namespace caffe

#endif  // CAFFE_THRESHOLD_LAYER_HPP_
