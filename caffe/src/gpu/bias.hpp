#ifndef CAFFE_SRC_GPU_BIAS_HPP_
#define CAFFE_SRC_GPU_BIAS_HPP_

#include "core/channel_layout.hpp"

namespace caffe {

/// values = relu(values + bias) for num x channels x inner values in plain order. A null bias adds
/// nothing; what is negative then is multiplied by `slope`. Pointers of these functions are on the
/// GPU.
template <typename Dtype>
void AddBiasOnGpu(int num, int channels, int inner, const Dtype* bias, Dtype slope, Dtype* values);

/// diff += the sum of each channel's values.
template <typename Dtype>
void AddBiasDiffOnGpu(int num, int channels, int inner, const Dtype* values, Dtype* diff);

/// The gradient of a ReLU with that slope, in place in a blob's diff: it is multiplied by `slope`
/// where the blob's values are not positive. Adds to `sums`, unless that is null, the sum of each
/// channel of the result, in the same pass over memory. `plain` says where the channels are when
/// the diff is in plain order.
template <typename Dtype>
void RectifyDiffOnGpu(const ChannelLayout& plain, Dtype slope, Blob<Dtype>* blob, Dtype* sums);

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_BIAS_HPP_
