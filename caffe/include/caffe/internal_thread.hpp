#ifndef CAFFE_INTERNAL_THREAD_HPP_
#define CAFFE_INTERNAL_THREAD_HPP_

#include <memory>
#include <thread>

#include <unistd.h>

#include "caffe/common.hpp"
#include "caffe/util/stop_request.hpp"

namespace caffe {

/// A thread of a derived class's InternalThreadEntry(), with the mode, device and solver rank of
/// the thread that started it, and a seed drawn from that thread's random generator.
///
/// A derived class has to call StopInternalThread() in its destructor: later, what the thread works
/// on is gone.
class InternalThread {
 public:
  InternalThread() = default;
  virtual ~InternalThread();

  /// Returns when the thread has taken these over; throws Error where it cannot (a GPU that serves
  /// no further thread, say).
  void StartInternalThread();
  /// Asks the thread to end, wherever it waits, and returns when it has. Harmless when none runs.
  void StopInternalThread();
  bool is_started() const { return thread_.joinable(); }
  /// Whether the thread is another process's: one that forks does not hand its threads on.
  bool is_left_behind() const { return is_started() && process_ != getpid(); }

 protected:
  /// The thread's work; returns when must_stop() says so or a wait throws.
  virtual void InternalThreadEntry() {}
  /// Whether the thread is asked to end.
  bool must_stop() { return stop_ && stop_->requested(); }

 private:
  std::thread thread_;
  std::shared_ptr<StopRequest> stop_;
  pid_t process_ = 0;  // that started the thread

  DISABLE_COPY_AND_ASSIGN(InternalThread);
};

}  // namespace caffe

#endif  // CAFFE_INTERNAL_THREAD_HPP_
