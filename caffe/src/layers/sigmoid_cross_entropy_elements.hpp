#ifndef CAFFE_SRC_LAYERS_SIGMOID_CROSS_ENTROPY_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_SIGMOID_CROSS_ENTROPY_ELEMENTS_HPP_

#include <cmath>
#include <cstddef>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Scores and their targets, one by one; shared by CPU and GPU.
template <typename Dtype>
struct CrossEntropyOfScores {
  const Dtype* x;
  const Dtype* t;
  Dtype ignored;  // NaN: no target is

  CAFFE_HOST_DEVICE bool Counts(std::ptrdiff_t i) const { return !(t[i] == ignored); }
  /// -t log p - (1 - t) log(1 - p), written so that exp never overflows.
  CAFFE_HOST_DEVICE Dtype Loss(std::ptrdiff_t i) const {
    if (!Counts(i)) return 0;
    return Larger(x[i], Dtype(0)) - x[i] * t[i] + std::log1p(std::exp(-std::fabs(x[i])));
  }
  CAFFE_HOST_DEVICE Dtype Diff(std::ptrdiff_t i) const {
    return Counts(i) ? 1 / (1 + std::exp(-x[i])) - t[i] : Dtype(0);
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_SIGMOID_CROSS_ENTROPY_ELEMENTS_HPP_
