#ifndef CAFFE_SRC_GPU_DEPTHWISE_HPP_
#define CAFFE_SRC_GPU_DEPTHWISE_HPP_

/// Convolutions of each channel on its own, on the GPU: with any kernel, stride, pad and dilation,
/// of values in plain order or channels-last. Bilinear upsampling is one of them.

#include "core/convolution_geometry.hpp"

namespace caffe {

/// Whether each channel of the features is seen by one channel of the image, and sees that alone.
inline bool IsDepthwise(const ConvolutionGeometry& g) {
  return g.groups == g.image_channels && g.groups == g.feature_channels;
}

/// The products of such a convolution; see dnn::Convolution. T is what values are kept as (float,
/// double, BFloat16 or Float16), Weight what the weights are (float; double for doubles). Sums are
/// Weight's, those of the weights' diff double's; equal inputs give equal bits. Weights: channels x
/// kernel in plain order, kernel x channels where values are channels-last; their diff: channels x
/// kernel.
template <typename T, typename Weight>
class DepthwiseOnGpu {
 public:
  DepthwiseOnGpu(const ConvolutionGeometry& geometry, bool channels_last)
      : geometry_(geometry), channels_last_(channels_last) {}

  /// Pointers are on the GPU.
  void ToFeatures(const T* image, const Weight* weights, T* features) const;
  void ToImage(const T* features, const Weight* weights, T* image) const;
  /// Adds to the diff, or overwrites it.
  void ToWeights(const T* image, const T* features, bool add, Weight* diff) const;

 private:
  ConvolutionGeometry geometry_;
  bool channels_last_;
};

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_DEPTHWISE_HPP_
