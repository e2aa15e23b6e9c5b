#ifndef CAFFE_ELU_LAYER_HPP_
#define CAFFE_ELU_LAYER_HPP_

#include <cmath>

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct ELUOp : ElementwiseOp {
  explicit ELUOp(const LayerParameter& param) : alpha(param.elu_param().alpha()) {}
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return x > 0 ? x : alpha * std::expm1(x); }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype y, Dtype dy) const {
    return x > 0 ? dy : dy * (y + alpha);
  }
  bool needs_input() const { return alpha < 0; }
  BlobValues leaves_of_input() const { return alpha < 0 ? BlobValues::kNone : BlobValues::kSigns; }

  Dtype alpha;
};

}  // namespace beyond_caffe_1

/// y = x where x > 0, else alpha * (exp(x) - 1) (Clevert et al. 2015).
template <typename Dtype>
class ELULayer : public ElementwiseLayer<Dtype, ELUOp> {
 public:
  explicit ELULayer(const LayerParameter& param) : ElementwiseLayer<Dtype, ELUOp>(param) {}
  const char* type() const override { return "ELU"; }
};

}  // namespace caffe

#endif  // CAFFE_ELU_LAYER_HPP_
