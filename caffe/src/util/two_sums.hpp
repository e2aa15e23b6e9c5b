#ifndef CAFFE_SRC_UTIL_TWO_SUMS_HPP_
#define CAFFE_SRC_UTIL_TWO_SUMS_HPP_

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Two sums of the same elements, made in one pass (SumRows). Those derived say of what.
struct TwoSums {
  double first, second;

  CAFFE_HOST_DEVICE void operator+=(const TwoSums& other) {
    first += other.first;
    second += other.second;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_TWO_SUMS_HPP_
