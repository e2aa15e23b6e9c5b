#ifndef CAFFE_UTIL_HOST_FLAG_HPP_
#define CAFFE_UTIL_HOST_FLAG_HPP_

#include "caffe/common.hpp"

namespace caffe {

/// A number that kernels write and the host reads without waiting for them: for errors that kernels
/// find, which are reported at the layer's next turn. 0 until one is found.
class HostFlag {
 public:
  HostFlag() = default;
#ifndef CPU_ONLY
  ~HostFlag() { cudaFreeHost(value_); }

  /// For kernels, which write 1 + where the error is.
  int* device() {
    if (!value_) {
      CUDA_CHECK(cudaMallocHost(&value_, sizeof(int)));
      *value_ = 0;
    }
    return value_;
  }
  /// What the kernels that have run so far wrote; the flag is 0 again.
  int Take() {
    if (!value_) return 0;
    const int value = *static_cast<volatile int*>(value_);
    if (value != 0) *value_ = 0;
    return value;
  }

 private:
  int* value_ = nullptr;
#endif

 private:
  DISABLE_COPY_AND_ASSIGN(HostFlag);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_HOST_FLAG_HPP_
