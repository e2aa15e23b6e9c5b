#ifndef CAFFE_UTIL_STOP_REQUEST_HPP_
#define CAFFE_UTIL_STOP_REQUEST_HPP_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "caffe/common.hpp"

namespace caffe {

/// Something to wait for: a mutex that guards it, and a condition variable for its changes.
struct Waitable {
  std::mutex mutex;
  std::condition_variable changed;
};

/// Asks a thread to end, wherever it may be waiting.
///
/// Held jointly by the thread, which binds it once, and by whoever may want to stop it.
class StopRequest {
 public:
  StopRequest() = default;

  /// Makes the calling thread the one that is asked; until the object dies.
  class Binding {
   public:
    explicit Binding(StopRequest* request);
    ~Binding();

    DISABLE_COPY_AND_ASSIGN(Binding);
  };

  /// Asks. The thread's wait, this one or the next, ends with an exception.
  void Request();
  bool requested() const { return requested_; }

  /// Waits for a change of `waitable`, whose mutex `lock` holds. Throws boost::thread_interrupted
  /// (what threads of Caffe 1.0 are used to) where the calling thread is asked to end.
  static void Wait(const std::shared_ptr<Waitable>& waitable, std::unique_lock<std::mutex>* lock);

 private:
  std::atomic<bool> requested_{false};
  std::mutex mutex_;
  std::shared_ptr<Waitable> awaited_;

  DISABLE_COPY_AND_ASSIGN(StopRequest);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_STOP_REQUEST_HPP_
