#ifndef CAFFE_UTIL_BLOCKING_QUEUE_HPP_
#define CAFFE_UTIL_BLOCKING_QUEUE_HPP_

#include <exception>
#include <memory>
#include <mutex>
#include <queue>
#include <string>

#include "caffe/common.hpp"
#include "caffe/util/stop_request.hpp"

namespace caffe {

/// Hands values from threads to threads, first in, first out.
///
/// pop() and peek() wait for a value; in an InternalThread that is asked to stop they end with
/// boost::thread_interrupted. A producer that fails hands its exception on with fail().
template <typename T>
class BlockingQueue {
 public:
  BlockingQueue() : state_(std::make_shared<Waitable>()) {}

  void push(const T& t) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    queue_.push(t);
    state_->changed.notify_all();
  }

  /// False where the queue is empty.
  bool try_pop(T* t) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (queue_.empty()) return false;
    *t = queue_.front();
    queue_.pop();
    return true;
  }

  /// Takes the first value; says log_on_wait now and then where that takes time.
  T pop(const string& log_on_wait = "") {
    std::unique_lock<std::mutex> lock(state_->mutex);
    AwaitValue(log_on_wait, &lock);
    T t = queue_.front();
    queue_.pop();
    return t;
  }

  bool try_peek(T* t) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (queue_.empty()) return false;
    *t = queue_.front();
    return true;
  }

  /// The first value, which stays in the queue.
  T peek() {
    std::unique_lock<std::mutex> lock(state_->mutex);
    AwaitValue("", &lock);
    return queue_.front();
  }

  size_t size() const {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return queue_.size();
  }

  /// From now on, who would wait gets this exception instead.
  void fail(const std::exception_ptr& error) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    error_ = error;
    state_->changed.notify_all();
  }

  /// Forgets the values and the failure.
  void clear() {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    queue_ = std::queue<T>();
    error_ = nullptr;
  }

 private:
  void AwaitValue(const string& log_on_wait, std::unique_lock<std::mutex>* lock) {
    while (queue_.empty()) {
      if (error_) std::rethrow_exception(error_);
      if (!log_on_wait.empty()) {
        LOG_EVERY_N(INFO, 1000) << log_on_wait;
      }
      StopRequest::Wait(state_, lock);
    }
  }

  std::queue<T> queue_;
  std::exception_ptr error_;
  std::shared_ptr<Waitable> state_;

  DISABLE_COPY_AND_ASSIGN(BlockingQueue);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_BLOCKING_QUEUE_HPP_
