#ifndef CAFFE_SRC_CORE_CONVOLUTION_GEOMETRY_HPP_
#define CAFFE_SRC_CORE_CONVOLUTION_GEOMETRY_HPP_

#include "core/channel_layout.hpp"

namespace caffe {

/// The products of a convolution, each named after its result.
enum class Product { kToFeatures, kToImage, kToWeights };

/// Shapes of a two-dimensional convolution between an image (the larger side, as a rule) and a
/// feature map. Pairs are height, width.
struct ConvolutionGeometry {
  int num = 1;
  int groups = 1;
  int image_channels = 1;
  int feature_channels = 1;
  int image[2] = {1, 1};
  int features[2] = {1, 1};
  int kernel[2] = {1, 1};
  int stride[2] = {1, 1};
  int pad[2] = {0, 0};
  int dilation[2] = {1, 1};
  /// Whether reordered weights are kept until the weights change, for nets that do not train.
  bool keep_weights = false;
  /// What the products are computed from, and what they are kept as; weights and their diffs are
  /// float in any case. Features of less than a block of channels, what a net puts out as a rule,
  /// stay float.
  Element element = Element::kFloat;
  /// On a GPU: whether float factors are rounded to 11 significant bits.
  bool tf32 = false;
  /// Whether ToFeatures multiplies each channel by a factor, before the bias is added (on the CPU).
  bool scales = false;
  /// What ToFeatures multiplies negative features by in the end.
  float relu_slope = 1;

  /// Whether all channels of the image meet 3x3 taps at every pixel, dilated or not: what
  /// Winograd's tiles are for.
  bool Has3x3TapsAtEveryPixel() const {
    return groups == 1 && kernel[0] == 3 && kernel[1] == 3 && stride[0] == 1 && stride[1] == 1;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_CONVOLUTION_GEOMETRY_HPP_
