#include "core/this_device.hpp"

#ifndef CPU_ONLY

namespace caffe {

int ThisDevice() {
  int device = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  return device;
}

AtDevice::AtDevice(int device) : device_(device) {
  cudaGetDevice(&before_);
  if (before_ != device_) cudaSetDevice(device_);
}

AtDevice::~AtDevice() {
  if (before_ != device_) cudaSetDevice(before_);
}

}  // namespace caffe

#endif  // CPU_ONLY
