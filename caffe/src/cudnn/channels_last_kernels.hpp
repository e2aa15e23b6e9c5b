#ifndef CAFFE_SRC_CUDNN_CHANNELS_LAST_KERNELS_HPP_
#define CAFFE_SRC_CUDNN_CHANNELS_LAST_KERNELS_HPP_

/// What ChannelsLastConvolution needs beside cuDNN. All pointers are on the GPU; T is float,
/// BFloat16 or Float16.

#include "core/channel_layout.hpp"
#include "gpu/scratch.hpp"

namespace caffe {
namespace cudnn {

/// Weights: outputs x inputs x area, in plain order; in channels-last order outputs_filled x area x
/// inputs_filled, the filling zeros.
struct WeightShape {
  int outputs, inputs, area;
  int outputs_filled, inputs_filled;

  int count() const { return outputs * inputs * area; }
  std::ptrdiff_t size() const { return std::ptrdiff_t(outputs_filled) * area * inputs_filled; }
};

template <typename T>
void WeightsToChannelsLast(const WeightShape& shape, const float* plain, T* last);
/// A layer's weights in channels-last order, in memory that all layers share.
template <typename T>
const T* OrderedWeights(const WeightShape& shape, const Blob<float>& weights) {
  T* last = static_cast<T*>(DeviceScratch(Scratch::kWeights, shape.size() * sizeof(T)));
  WeightsToChannelsLast(shape, weights.gpu_data(), last);
  return last;
}
/// plain += last.
template <typename T>
void AddWeightsFromChannelsLast(const WeightShape& shape, const T* last, float* plain);

/// y = relu(x + bias) in a layout's order; where that is not positive it is multiplied by `slope`.
/// bias: for each channel, or null. y may be x where they are of one type.
template <typename T, typename Result>
void RectifyWithBias(const ChannelLayout& layout, const T* x, const float* bias, float slope,
                     Result* y);

/// Adds to each channel's sum the values of all its pixels.
template <typename T>
void AddSumsOfChannels(const ChannelLayout& layout, const T* x, float* sums);

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_CHANNELS_LAST_KERNELS_HPP_
