#ifndef DCME_ORDERED_PREFETCH_HPP_
#define DCME_ORDERED_PREFETCH_HPP_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace dcme {

// Makes items 0, 1, 2, ... ahead of time on several threads and hands them out in order.
//
// An item is a function of its number alone, so what comes out depends neither on the number of
// threads nor on their timing, and one can go on from any number. Threads start with the first
// next(); an exception while an item is made is thrown by the next() that asks for that item.
template <typename Item>
class OrderedPrefetch {
 public:
  using Make = std::function<void(uint64_t number, Item* item)>;

  // depth: items made ahead of the one in use.
  OrderedPrefetch(Make make, int threads, int depth)
      : make_(std::move(make)), threads_(threads), slots_(depth + 1) {}
  ~OrderedPrefetch() { stop(); }
  OrderedPrefetch(const OrderedPrefetch&) = delete;
  OrderedPrefetch& operator=(const OrderedPrefetch&) = delete;

  // The number that next() will hand out.
  uint64_t position() const { return next_; }

  // Goes on from item `number`; what was made ahead is dropped.
  void jump(uint64_t number) {
    stop();
    next_ = number;
  }

  // The next item; valid until the call after this one. A failed item stays the next one.
  Item& next() {
    if (workers_.empty()) start();
    if (process_ != getpid()) {
      throw std::runtime_error(
          "the threads that read ahead stayed in the process that this one forked from: make the "
          "net in the process that runs it");
    }
    std::unique_lock<std::mutex> lock(mutex_);
    // Only now may the item handed out before be overwritten.
    in_use_ = next_;
    changed_.notify_all();
    Slot& slot = slot_of(next_);
    changed_.wait(lock, [&] { return slot.ready; });
    if (slot.error) {
      const std::exception_ptr error = slot.error;
      lock.unlock();
      stop();
      std::rethrow_exception(error);
    }
    // Nobody fills the slot before the next call; what it holds then is not ready any more.
    slot.ready = false;
    ++next_;
    return slot.item;
  }

 private:
  struct Slot {
    Item item;
    bool ready = false;
    std::exception_ptr error;
  };

  Slot& slot_of(uint64_t number) { return slots_[number % slots_.size()]; }

  void start() {
    stopping_ = false;
    process_ = getpid();
    in_use_ = claimed_ = next_;
    for (Slot& slot : slots_) slot.ready = false;
    for (int t = 0; t < threads_; ++t) workers_.emplace_back([this] { work(); });
  }

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stopping_ || claimed_ < in_use_ + slots_.size(); });
      if (stopping_) return;
      const uint64_t number = claimed_++;
      Slot& slot = slot_of(number);
      lock.unlock();
      std::exception_ptr error;
      try {
        make_(number, &slot.item);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      slot.error = error;
      slot.ready = true;
      changed_.notify_all();
    }
  }

  const Make make_;
  const int threads_;
  std::vector<Slot> slots_;
  std::vector<std::thread> workers_;
  pid_t process_ = 0;  // that started them
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  uint64_t next_ = 0;     // of the consumer's thread
  uint64_t in_use_ = 0;   // oldest number whose slot is taken
  uint64_t claimed_ = 0;  // next number for a worker
};

}  // namespace dcme

#endif  // DCME_ORDERED_PREFETCH_HPP_
