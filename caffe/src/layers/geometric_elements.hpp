#ifndef CAFFE_SRC_LAYERS_GEOMETRIC_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_GEOMETRIC_ELEMENTS_HPP_

#include <cstddef>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// The gradient of GeometricLoss: element i of the first group of channels, and the elements of the
/// other groups at its place, which lie `stride` apart, all get factor times the sum of their
/// diffs. Shared by CPU and GPU.
template <typename Dtype>
struct SpreadGroupSum {
  int groups;
  int stride;
  Dtype factor;
  const Dtype* diff;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const std::ptrdiff_t first = std::ptrdiff_t(i / stride) * stride * groups + i % stride;
    Dtype sum = 0;
    for (int g = 0; g < groups; ++g) sum += diff[first + std::ptrdiff_t(g) * stride];
    for (int g = 0; g < groups; ++g) dx[first + std::ptrdiff_t(g) * stride] = factor * sum;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_GEOMETRIC_ELEMENTS_HPP_
