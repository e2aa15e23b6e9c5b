#ifndef CAFFE_SRC_UTIL_DIVISOR_HPP_
#define CAFFE_SRC_UTIL_DIVISOR_HPP_

#include <cstdint>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Divides numbers in [0, 2^31) by one that is known beforehand, with a product in the place of the
/// division, for which GPUs need some twenty instructions (Granlund and Montgomery, PLDI 1994).
class Divisor {
 public:
  /// A divisor below 1 is taken for 1: there is nothing to divide then.
  explicit Divisor(int divisor = 1) : divisor_(Larger(divisor, 1)) {
    int bits = 0;
    while ((int64_t(1) << bits) < divisor_) ++bits;
    shift_ = 31 + bits;
    // With 2^(bits - 1) < divisor <= 2^bits this is below 2^32, and too large by less than what
    // would change a quotient.
    multiplier_ = static_cast<uint32_t>((uint64_t(1) << shift_) / divisor_ + 1);
  }

  CAFFE_HOST_DEVICE int Quotient(int i) const {
    return static_cast<int>(uint64_t(uint32_t(i)) * multiplier_ >> shift_);
  }
  CAFFE_HOST_DEVICE int Remainder(int i) const { return i - Quotient(i) * divisor_; }

 private:
  int divisor_;
  uint32_t multiplier_;
  int shift_;
};

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DIVISOR_HPP_
