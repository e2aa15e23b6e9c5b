#ifndef CAFFE_UTIL_FIRST_EXCEPTION_HPP_
#define CAFFE_UTIL_FIRST_EXCEPTION_HPP_

#include <exception>
#include <mutex>

namespace caffe {

/// Brings what is thrown on other threads to the one that waits for them.
class FirstException {
 public:
  /// Calls action(); keeps the exception that leaves it, if it is the first.
  template <typename Action>
  void CatchFrom(const Action& action) {
    try {
      action();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!exception_) exception_ = std::current_exception();
    }
  }
  bool is_there() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return exception_ != nullptr;
  }
  /// Throws it again; to be called when the others are done.
  void Rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr exception_;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_FIRST_EXCEPTION_HPP_
