#include "core/this_device.hpp"

#ifndef CPU_ONLY

namespace caffe {

int ThisDevice() {
  int device = 0;
  const cudaError_t status = cudaGetDevice(&device);
  if (status != cudaSuccess) cudaGetLastError();
  CHECK(status == cudaSuccess) << "there is no usable GPU (" << cudaGetErrorString(status)
                               << "); compute on the CPU: solver_mode: CPU, or set_mode_cpu()";
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
