#ifndef CAFFE_UTIL_DEVICE_EVENT_HPP_
#define CAFFE_UTIL_DEVICE_EVENT_HPP_

#ifndef CPU_ONLY

#include "caffe/common.hpp"

namespace caffe {

/// A mark in a stream of the GPU, for others to wait for. Nobody waits for one that was never made.
class DeviceEvent {
 public:
  DeviceEvent() = default;
  ~DeviceEvent() {
    if (event_) cudaEventDestroy(event_);
  }

  /// Marks the end of what has been queued on the stream, which is one of the thread's GPU.
  void Record(cudaStream_t stream) {
    if (!event_) CUDA_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
    CUDA_CHECK(cudaEventRecord(event_, stream));
  }
  /// Lets what is queued on the stream from now on wait for the mark. Does not wait itself.
  void HoldBack(cudaStream_t stream) const {
    if (event_) CUDA_CHECK(cudaStreamWaitEvent(stream, event_, 0));
  }
  /// Waits for the mark; an error of the GPU since then.
  cudaError_t Wait() const { return event_ ? cudaEventSynchronize(event_) : cudaSuccess; }

 private:
  cudaEvent_t event_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(DeviceEvent);
};

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_UTIL_DEVICE_EVENT_HPP_
