#ifndef CAFFE_RELU_LAYER_HPP_
#define CAFFE_RELU_LAYER_HPP_

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct ReLUOp : ElementwiseOp {
  explicit ReLUOp(const LayerParameter& param) : slope(param.relu_param().negative_slope()) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return x > 0 ? x : slope * x; }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    return x > 0 ? dy : slope * dy;
  }
  // With a slope >= 0 the output is positive where the input is.
  bool needs_input() const { return slope < 0; }
  BlobValues needs_of_output() const { return BlobValues::kSigns; }
  BlobValues leaves_of_input() const { return slope < 0 ? BlobValues::kNone : BlobValues::kSigns; }

  Dtype slope;
};

}  // namespace beyond_caffe_1

/// y = x where x > 0, else negative_slope * x.
template <typename Dtype>
class ReLULayer : public ElementwiseLayer<Dtype, ReLUOp> {
 public:
  explicit ReLULayer(const LayerParameter& param) : ElementwiseLayer<Dtype, ReLUOp>(param) {}
  const char* type() const override { return "ReLU"; }
};

}  // namespace caffe

#endif  // CAFFE_RELU_LAYER_HPP_
