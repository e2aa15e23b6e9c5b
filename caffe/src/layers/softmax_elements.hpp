#ifndef CAFFE_SRC_LAYERS_SOFTMAX_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_SOFTMAX_ELEMENTS_HPP_

#include <cmath>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Scores of shape outer x classes x inner, which has outer x inner positions.
struct ClassesOf {
  int classes, inner;
  /// The score of class 0 at a position.
  CAFFE_HOST_DEVICE int First(int position) const {
    return position / inner * classes * inner + position % inner;
  }
  /// Class and position of score i.
  CAFFE_HOST_DEVICE int Class(int i) const { return i / inner % classes; }
  CAFFE_HOST_DEVICE int Position(int i) const { return i / inner / classes * inner + i % inner; }
};

/// The softmax of a position's scores; y may be x.
template <typename Dtype>
struct SoftmaxOfPosition {
  ClassesOf at;
  const Dtype* x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int position) const {
    const int first = at.First(position);
    // Without its maximum, no exponential of a position overflows.
    Dtype peak = x[first];
    for (int c = 1; c < at.classes; ++c) peak = Larger(peak, x[first + c * at.inner]);
    Dtype sum = 0;
    for (int c = 0; c < at.classes; ++c) {
      const int i = first + c * at.inner;
      y[i] = std::exp(x[i] - peak);
      sum += y[i];
    }
    for (int c = 0; c < at.classes; ++c) y[first + c * at.inner] /= sum;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_SOFTMAX_ELEMENTS_HPP_
