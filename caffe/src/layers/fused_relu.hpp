#ifndef CAFFE_SRC_LAYERS_FUSED_RELU_HPP_
#define CAFFE_SRC_LAYERS_FUSED_RELU_HPP_

#include <optional>

#include "caffe/layers/relu_layer.hpp"
#include "layers/exact_class.hpp"

namespace caffe {

/// The slope of a ReLU that the layer in front may compute as well; nothing of other layers, and of
/// a negative slope: its gradient needs the input, of which nothing is left then.
template <typename Dtype>
std::optional<float> SlopeOfFusibleReLU(const Layer<Dtype>& layer) {
  const float slope = layer.layer_param().relu_param().negative_slope();
  if (!IsExactly<ReLULayer<Dtype>>(layer) || slope < 0) return std::nullopt;
  return slope;
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_FUSED_RELU_HPP_
