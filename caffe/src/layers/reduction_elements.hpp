#ifndef CAFFE_SRC_LAYERS_REDUCTION_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_REDUCTION_ELEMENTS_HPP_

/// What the operations of Reduction sum, and the derivative of that; shared by CPU and GPU. MEAN is
/// SUM with another coefficient.

#include <cmath>

#include "caffe/proto/caffe.pb.h"
#include "caffe/util/host_device.hpp"

namespace caffe {
namespace reduction {

struct Plain {
  template <typename Dtype>
  CAFFE_HOST_DEVICE static Dtype term(Dtype x) {
    return x;
  }
  template <typename Dtype>
  CAFFE_HOST_DEVICE static Dtype slope(Dtype) {
    return 1;
  }
};

struct Absolute {
  template <typename Dtype>
  CAFFE_HOST_DEVICE static Dtype term(Dtype x) {
    return std::fabs(x);
  }
  template <typename Dtype>
  CAFFE_HOST_DEVICE static Dtype slope(Dtype x) {
    return static_cast<Dtype>((Dtype(0) < x) - (x < Dtype(0)));
  }
};

struct Square {
  template <typename Dtype>
  CAFFE_HOST_DEVICE static Dtype term(Dtype x) {
    return x * x;
  }
  template <typename Dtype>
  CAFFE_HOST_DEVICE static Dtype slope(Dtype x) {
    return 2 * x;
  }
};

/// Calls use(operation).
template <typename Use>
void WithOperation(ReductionParameter_ReductionOp op, const Use& use) {
  switch (op) {
    case ReductionParameter_ReductionOp_SUM:
    case ReductionParameter_ReductionOp_MEAN:
      return use(Plain());
    case ReductionParameter_ReductionOp_ASUM:
      return use(Absolute());
    case ReductionParameter_ReductionOp_SUMSQ:
      return use(Square());
  }
}

}  // namespace reduction
}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_REDUCTION_ELEMENTS_HPP_
