#include "caffe/util/host_flag.hpp"

namespace caffe {

#ifdef CPU_ONLY

HostFlag::~HostFlag() = default;

int* HostFlag::device() { return nullptr; }

#else

// Freeing nothing would start CUDA, for programs on the CPU as well.
HostFlag::~HostFlag() {
  if (value_) cudaFreeHost(value_);
}

int* HostFlag::device() {
  if (!value_) {
    CUDA_CHECK(cudaMallocHost(&value_, sizeof(int)));
    *value_ = 0;
  }
  return value_;
}

#endif

int HostFlag::Take() {
  if (!value_) return 0;
  const int value = *static_cast<volatile int*>(value_);
  if (value != 0) *value_ = 0;
  return value;
}

}  // namespace caffe
