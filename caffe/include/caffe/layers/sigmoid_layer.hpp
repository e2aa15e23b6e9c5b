#ifndef CAFFE_SIGMOID_LAYER_HPP_
#define CAFFE_SIGMOID_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct SigmoidOp : ElementwiseOp {
  explicit SigmoidOp(const LayerParameter&) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return 1 / (1 + std::exp(-x)); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype, Dtype y, Dtype dy) const { return dy * y * (1 - y); }
};

}  // namespace beyond_caffe_1

/// y = 1 / (1 + exp(-x)).
template <typename Dtype>
class SigmoidLayer : public ElementwiseLayer<Dtype, SigmoidOp> {
 public:
  explicit SigmoidLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, SigmoidOp>(param) {}
  const char* type() const override { return "Sigmoid"; }
};

}  // namespace caffe

#endif  // CAFFE_SIGMOID_LAYER_HPP_
