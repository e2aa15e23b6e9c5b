#ifndef CAFFE_UTIL_HOST_FLAG_HPP_
#define CAFFE_UTIL_HOST_FLAG_HPP_

#include "caffe/common.hpp"

namespace caffe {

/// A number that kernels write and the host reads without waiting for them: for errors that kernels
/// find, which are reported at the layer's next turn. 0 until one is found.
class HostFlag {
 public:
  HostFlag() = default;
  ~HostFlag();

  /// For kernels, which write 1 + where the error is.
  int* device();
  /// What the kernels that have run so far wrote; the flag is 0 again.
  int Take();

 private:
  int* value_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(HostFlag);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_HOST_FLAG_HPP_
