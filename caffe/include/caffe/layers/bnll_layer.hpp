#ifndef CAFFE_BNLL_LAYER_HPP_
#define CAFFE_BNLL_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct BNLLOp : ElementwiseOp {
  explicit BNLLOp(const LayerParameter&) {}
  // Written so that exp never overflows.
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const {
    return (x > 0 ? x : Dtype(0)) + std::log1p(std::exp(-std::fabs(x)));
  }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    return dy / (1 + std::exp(-x));
  }
  bool needs_input() const { return true; }
};

}  // namespace beyond_caffe_1

/// The binomial normal log likelihood, y = log(1 + exp(x)).
template <typename Dtype>
class BNLLLayer : public ElementwiseLayer<Dtype, BNLLOp> {
 public:
  explicit BNLLLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, BNLLOp>(param) {}
  const char* type() const override { return "BNLL"; }
};

}  // namespace caffe

#endif  // CAFFE_BNLL_LAYER_HPP_
