#ifndef CAFFE_TANH_LAYER_HPP_
#define CAFFE_TANH_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct TanHOp : ElementwiseOp {
  explicit TanHOp(const LayerParameter&) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return std::tanh(x); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype, Dtype y, Dtype dy) const { return dy * (1 - y * y); }
  BlobValues leaves_of_input() const { return BlobValues::kSigns; }
};

}  // namespace beyond_caffe_1

/// y = tanh(x).
template <typename Dtype>
class TanHLayer : public ElementwiseLayer<Dtype, TanHOp> {
 public:
  explicit TanHLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, TanHOp>(param) {}
  const char* type() const override { return "TanH"; }
};

}  // namespace caffe

#endif  // CAFFE_TANH_LAYER_HPP_
