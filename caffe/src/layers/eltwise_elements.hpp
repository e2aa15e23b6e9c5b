#ifndef CAFFE_SRC_LAYERS_ELTWISE_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_ELTWISE_ELEMENTS_HPP_

#include <vector>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Whether the value of bottom k > 0 takes the place of `largest`, that of the bottoms before it.
/// Of equal ones the second bottom's goes before the first's, and those before all others. Shared
/// by CPU and GPU.
template <typename Real>
CAFFE_HOST_DEVICE bool IsNewLargest(int k, Real value, Real largest) {
  return !(k == 1 ? value < largest : value <= largest);
}

/// Calls body(k) for the bottoms that get a gradient. The first one comes last: its diff may be the
/// top's.
template <typename Body>
void ForBottomsFirstLast(const std::vector<bool>& propagate_down, const Body& body) {
  for (int k = static_cast<int>(propagate_down.size()) - 1; k >= 0; --k) {
    if (propagate_down[k]) body(k);
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_ELTWISE_ELEMENTS_HPP_
