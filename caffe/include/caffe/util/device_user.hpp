#ifndef CAFFE_UTIL_DEVICE_USER_HPP_
#define CAFFE_UTIL_DEVICE_USER_HPP_

#include <atomic>

namespace caffe {

/// Throws Error where the thread's GPU is not this one.
void CheckThreadIsAt(int device);

/// Who uses some memory of a GPU: in builds without CUDA, nobody. Threads have a stream each:
/// before one touches what another has worked on, the GPU has to be done with it.
class DeviceUser {
 public:
  /// The memory is on this GPU from now on, and no thread is at it.
  void Begin(int device) {
    device_ = device;
    user_ = 0;
  }
  int device() const { return device_; }

  /// Lets this thread's stream read or write: waits for the GPU where another's may still be at it.
  /// Throws Error where the thread's GPU is another.
  void Enter(bool write);
  /// Whether a thread other than this may still be at it.
  bool IsAnother() const;

 private:
  int device_ = -1;
  /// Number of the thread that alone has used it, kSeveral where several read it, 0: none.
  std::atomic<int> user_{0};
  static constexpr int kSeveral = -1;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_DEVICE_USER_HPP_
