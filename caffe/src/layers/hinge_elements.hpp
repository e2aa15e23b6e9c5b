#ifndef CAFFE_SRC_LAYERS_HINGE_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_HINGE_ELEMENTS_HPP_

#include <cmath>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// What one score contributes to HingeLoss, and its gradient.
template <typename Dtype>
struct HingeElement {
  bool squared;  // the L2 norm

  /// The margin with the sign of its derivative: negative for the score of the item's own class.
  static CAFFE_HOST_DEVICE Dtype Margin(Dtype score, bool is_class) {
    const Dtype sign = is_class ? Dtype(-1) : Dtype(1);
    return sign * Larger(Dtype(0), 1 + sign * score);
  }
  CAFFE_HOST_DEVICE Dtype Loss(Dtype margin) const {
    return squared ? margin * margin : std::fabs(margin);
  }
  CAFFE_HOST_DEVICE Dtype Diff(Dtype margin) const {
    if (squared) return 2 * margin;
    return static_cast<Dtype>((margin > 0) - (margin < 0));
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_HINGE_ELEMENTS_HPP_
