#ifndef CAFFE_UTIL_DEVICE_EVENT_HPP_
#define CAFFE_UTIL_DEVICE_EVENT_HPP_

#include "caffe/common.hpp"

/// What CUDA's cudaEvent_t points to.
struct CUevent_st;

namespace caffe {

/// A mark in a stream of the GPU, for others to wait for. Nobody waits for one that was never made.
class DeviceEvent {
 public:
  DeviceEvent() = default;
  ~DeviceEvent();

#ifndef CPU_ONLY
  /// Marks the end of what has been queued on the stream, which is one of the thread's GPU.
  void Record(cudaStream_t stream);
  /// Lets what is queued on the stream from now on wait for the mark. Does not wait itself.
  void HoldBack(cudaStream_t stream) const;
  /// Waits for the mark; an error of the GPU since then.
  cudaError_t Wait() const;
#endif

 private:
  CUevent_st* event_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(DeviceEvent);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_DEVICE_EVENT_HPP_
