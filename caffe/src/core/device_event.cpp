#include "caffe/util/device_event.hpp"

namespace caffe {

#ifdef CPU_ONLY

DeviceEvent::~DeviceEvent() = default;

#else

DeviceEvent::~DeviceEvent() {
  if (event_) cudaEventDestroy(event_);
}

void DeviceEvent::Record(cudaStream_t stream) {
  if (!event_) CUDA_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
  CUDA_CHECK(cudaEventRecord(event_, stream));
}

void DeviceEvent::HoldBack(cudaStream_t stream) const {
  if (event_) CUDA_CHECK(cudaStreamWaitEvent(stream, event_, 0));
}

cudaError_t DeviceEvent::Wait() const {
  return event_ ? cudaEventSynchronize(event_) : cudaSuccess;
}

#endif

}  // namespace caffe
