#ifndef CAFFE_SRC_UTIL_TWO_SUMS_HPP_
#define CAFFE_SRC_UTIL_TWO_SUMS_HPP_

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Two sums of the same elements, made in one pass (SumRows). Those derived say of what.
template <typename Real>
struct TwoSumsOf {
  Real first, second;

  template <typename Other>
  CAFFE_HOST_DEVICE void operator+=(const TwoSumsOf<Other>& other) {
    first += other.first;
    second += other.second;
  }
};

using TwoSums = TwoSumsOf<double>;

/// The sums of x and of x y.
struct SumAndDot : TwoSums {
  CAFFE_HOST_DEVICE double sum() const { return first; }
  CAFFE_HOST_DEVICE double dot() const { return second; }
};

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_TWO_SUMS_HPP_
