#ifndef CAFFE_PYTHON_FAIR_MUTEX_HPP_
#define CAFFE_PYTHON_FAIR_MUTEX_HPP_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace caffe {
namespace python {

/// A recursive mutex that threads get in the order in which they came. Whoever gives it away for a
/// moment has it back after all that have waited, and no sooner: std::recursive_mutex would mostly
/// give it back at once, and let the others wait on.
class FairMutex {
 public:
  FairMutex() = default;
  FairMutex(const FairMutex&) = delete;
  FairMutex& operator=(const FairMutex&) = delete;

  void lock() {
    std::unique_lock<std::mutex> lock(guard_);
    if (LockAgain()) return;
    const std::uint64_t ticket = next_ticket_++;
    changed_.wait(lock, [&] { return depth_ == 0 && next_served_ == ticket; });
    ++next_served_;
    Take();
  }

  bool try_lock() {
    const std::lock_guard<std::mutex> lock(guard_);
    if (LockAgain()) return true;
    if (depth_ > 0 || next_served_ != next_ticket_) return false;
    Take();
    return true;
  }

  void unlock() {
    {
      const std::lock_guard<std::mutex> lock(guard_);
      if (--depth_ > 0) return;
    }
    changed_.notify_all();
  }

 private:
  bool LockAgain() {
    const bool is_owner = depth_ > 0 && owner_ == std::this_thread::get_id();
    if (is_owner) ++depth_;
    return is_owner;
  }

  void Take() {
    owner_ = std::this_thread::get_id();
    depth_ = 1;
  }

  /// Held for moments only.
  std::mutex guard_;
  std::condition_variable changed_;
  std::thread::id owner_;
  int depth_ = 0;
  /// Those who wait have the tickets from next_served_ to before next_ticket_.
  std::uint64_t next_ticket_ = 0, next_served_ = 0;
};

}  // namespace python
}  // namespace caffe

#endif  // CAFFE_PYTHON_FAIR_MUTEX_HPP_
