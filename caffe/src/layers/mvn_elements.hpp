#ifndef CAFFE_SRC_LAYERS_MVN_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_MVN_ELEMENTS_HPP_

/// What MVN computes of the sums of each group of values that is normalised on its own; shared by
/// CPU and GPU.

#include <cmath>

#include "caffe/util/host_device.hpp"
#include "core/channel_layout.hpp"
#include "util/two_sums.hpp"

namespace caffe {

/// The blob as one image whose channels are the groups.
template <typename Dtype>
ChannelLayout GroupsOf(const Blob<Dtype>& blob, bool across_channels) {
  const int groups = blob.num() * (across_channels ? 1 : blob.channels());
  return {1, groups, groups ? blob.count() / groups : 0, 1, 1};
}

/// A group's mean, of its sum.
template <typename Dtype>
struct StoreGroupMean {
  int length;
  Dtype* mean;
  Dtype* factor;  // 1, unless the variance is normalised
  CAFFE_HOST_DEVICE void operator()(int g, double sum) const {
    mean[g] = static_cast<Dtype>(sum / length);
    factor[g] = 1;
  }
};

/// What its values are multiplied by, of the sum of (x - mean)^2.
template <typename Dtype>
struct StoreGroupFactor {
  int length;
  double eps;
  Dtype* factor;
  CAFFE_HOST_DEVICE void operator()(int g, double squares) const {
    factor[g] = static_cast<Dtype>(1 / (std::sqrt(squares / length) + eps));
  }
};

/// What y and 1 are multiplied by in dx, of the sums of dy and dy y; dy is by the factor. With
/// y = (x - mean) f: dx = f (dy - mean(dy) - y mean(dy y)); without the variance, its last term is
/// not there.
template <typename Dtype>
struct StoreGroupCoefficients {
  int length;
  bool variance;
  const Dtype* factor;
  Dtype* factor_y;
  Dtype* offset;
  CAFFE_HOST_DEVICE void operator()(int g, const SumAndDot& of_dy) const {
    factor_y[g] = variance ? static_cast<Dtype>(-factor[g] * of_dy.dot() / length) : Dtype(0);
    offset[g] = static_cast<Dtype>(-factor[g] * of_dy.sum() / length);
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_MVN_ELEMENTS_HPP_
