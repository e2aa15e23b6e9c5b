#ifndef CAFFE_SWISH_LAYER_HPP_
#define CAFFE_SWISH_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct SwishOp : ElementwiseOp {
  explicit SwishOp(const LayerParameter& param) : beta(param.swish_param().beta()) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return x * gate(x); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    const Dtype g = gate(x);
    return dy * (g + beta * x * g * (1 - g));
  }
  bool needs_input() const { return true; }
  BlobValues leaves_of_input() const { return beta < 0 ? BlobValues::kNone : BlobValues::kSigns; }

  CAFFE_HOST_DEVICE Dtype gate(Dtype x) const { return 1 / (1 + std::exp(-beta * x)); }

  Dtype beta;
};

/// y = x / (1 + exp(-beta * x)) (Ramachandran et al. 2017).
template <typename Dtype>
class SwishLayer : public ElementwiseLayer<Dtype, SwishOp> {
 public:
  explicit SwishLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, SwishOp>(param) {}
  const char* type() const override { return "Swish"; }
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_SWISH_LAYER_HPP_
