#ifndef CAFFE_CLIP_LAYER_HPP_
#define CAFFE_CLIP_LAYER_HPP_

#include "caffe/layers/elementwise_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

template <typename Dtype>
struct ClipOp : ElementwiseOp {
  explicit ClipOp(const LayerParameter& param)
      : low(param.clip_param().min()), high(param.clip_param().max()) {
    CHECK_LE(low, high) << ": clip_param.min must not be above clip_param.max";
  }
  CAFFE_HOST_DEVICE Dtype forward(Dtype x) const { return x < low ? low : x > high ? high : x; }
  CAFFE_HOST_DEVICE Dtype backward(Dtype x, Dtype, Dtype dy) const {
    return x >= low && x <= high ? dy : Dtype(0);
  }
  bool needs_input() const { return true; }
  BlobValues leaves_of_input() const {
    return low <= 0 && high > 0 ? BlobValues::kSigns : BlobValues::kNone;
  }

  Dtype low;
  Dtype high;
};

/// y = x limited to [min, max]; no gradient passes where x lies outside.
template <typename Dtype>
class ClipLayer : public ElementwiseLayer<Dtype, ClipOp> {
 public:
  explicit ClipLayer(const LayerParameter& param) : ElementwiseLayer<Dtype, ClipOp>(param) {}
  const char* type() const override { return "Clip"; }
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_CLIP_LAYER_HPP_
