#ifndef CAFFE_SRC_LAYERS_CONTRASTIVE_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_CONTRASTIVE_ELEMENTS_HPP_

#include <cmath>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Pairs of vectors, of which those that are not similar should lie `margin` apart. Shared by CPU
/// and GPU.
template <typename Dtype>
struct ContrastivePairs {
  Dtype margin;
  bool legacy;  // measures the margin in squared distances
  const Dtype* similar;
  const Dtype* dist_sq;

  CAFFE_HOST_DEVICE Dtype Loss(int i) const {
    if (similar[i] != 0) return dist_sq[i];
    if (legacy) return Larger(margin - dist_sq[i], Dtype(0));
    const Dtype lack = Larger(margin - std::sqrt(dist_sq[i]), Dtype(0));
    return lack * lack;
  }
  /// What the difference of the pair's vectors is multiplied by in their gradient.
  CAFFE_HOST_DEVICE Dtype Pull(int i) const {
    if (similar[i] != 0) return 1;
    const Dtype dist = std::sqrt(dist_sq[i]);
    const Dtype lack = margin - (legacy ? dist_sq[i] : dist);
    if (lack <= 0) return 0;
    // The small number keeps vectors that coincide from being divided by 0.
    return legacy ? Dtype(-1) : -lack / (dist + Dtype(1e-4));
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_CONTRASTIVE_ELEMENTS_HPP_
