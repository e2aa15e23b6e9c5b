#ifndef CAFFE_SRC_LAYERS_GEOMETRIC_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_GEOMETRIC_ELEMENTS_HPP_

#include <cstddef>
#include <vector>

#include "caffe/util/host_device.hpp"
#include "layers/on_device.hpp"

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

/// The gradients of both bottoms from their difference; for_each(n, op) runs op for the elements
/// below n on Device.
template <typename Device, typename Dtype, typename ForEach>
void SpreadGroupSums(int num_dim, Dtype scale, const Blob<Dtype>& difference,
                     const std::vector<bool>& propagate_down,
                     const std::vector<Blob<Dtype>*>& bottom, const ForEach& for_each) {
  const int groups = bottom[0]->shape(1) / num_dim;
  if (bottom[0]->count() == 0) return;
  for (int k = 0; k < 2; ++k) {
    if (!propagate_down[k]) continue;
    for_each(bottom[k]->count() / groups,
             SpreadGroupSum<Dtype>{groups, bottom[0]->count(2) * num_dim, k == 0 ? scale : -scale,
                                   Device::Data(difference), Device::MutableDiff(bottom[k])});
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_GEOMETRIC_ELEMENTS_HPP_
