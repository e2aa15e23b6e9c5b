#ifndef CAFFE_SRC_LAYERS_SIGMOID_CROSS_ENTROPY_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_SIGMOID_CROSS_ENTROPY_ELEMENTS_HPP_

#include <cmath>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// The loss of a score x with target t; shared by CPU and GPU.
template <typename Dtype>
struct CrossEntropy {
  Dtype ignored;  // NaN: no target is

  CAFFE_HOST_DEVICE bool Counts(Dtype t) const { return !(t == ignored); }
  /// -t log p - (1 - t) log(1 - p), written so that exp never overflows.
  CAFFE_HOST_DEVICE Dtype Loss(Dtype x, Dtype t) const {
    if (!Counts(t)) return 0;
    return Larger(x, Dtype(0)) - x * t + std::log1p(std::exp(-std::fabs(x)));
  }
  CAFFE_HOST_DEVICE Dtype Diff(Dtype x, Dtype t) const {
    return Counts(t) ? 1 / (1 + std::exp(-x)) - t : Dtype(0);
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_SIGMOID_CROSS_ENTROPY_ELEMENTS_HPP_
