#ifndef CPU_ONLY

#include "caffe/util/device_user.hpp"

#include "core/this_device.hpp"

namespace caffe {

namespace {

int ThreadNumber() {
  static std::atomic<int> last(0);
  static thread_local const int number = ++last;
  return number;
}

}  // namespace

void CheckThreadIsAt(int device) {
  CHECK_EQ(ThisDevice(), device)
      << ": the thread's GPU is not the one where these values are: set the "
      << "device before a net is made, and leave it so while the net runs";
}

void DeviceUser::Enter(bool write) {
  CheckThreadIsAt(device_);
  const int user = user_, self = ThreadNumber();
  if (user == self || (user == kSeveral && !write)) return;
  if (user != 0) CUDA_CHECK(cudaDeviceSynchronize());
  user_ = user == 0 || write ? self : kSeveral;
}

bool DeviceUser::IsAnother() const {
  const int user = user_;
  return user != 0 && user != ThreadNumber();
}

}  // namespace caffe

#endif  // CPU_ONLY
