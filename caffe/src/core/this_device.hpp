#ifndef CAFFE_SRC_CORE_THIS_DEVICE_HPP_
#define CAFFE_SRC_CORE_THIS_DEVICE_HPP_

#ifndef CPU_ONLY

#include "caffe/common.hpp"

namespace caffe {

/// The number of the thread's GPU.
int ThisDevice();

/// Makes a GPU the thread's for as long as it lives. It throws nothing.
class AtDevice {
 public:
  explicit AtDevice(int device);
  ~AtDevice();

 private:
  const int device_;
  int before_ = -1;
  DISABLE_COPY_AND_ASSIGN(AtDevice);
};

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_SRC_CORE_THIS_DEVICE_HPP_
