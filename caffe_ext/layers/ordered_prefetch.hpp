#ifndef DCME_ORDERED_PREFETCH_HPP_
#define DCME_ORDERED_PREFETCH_HPP_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
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
      : make_(std::move(make)), threads_(threads), depth_(depth), crew_(new Crew(depth + 1)) {}
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
    if (crew_->workers.empty()) start();
    if (process_ != getpid()) {
      throw std::runtime_error(
          "the threads that read ahead stayed in the process that this one forked from: make the "
          "net in the process that runs it");
    }
    std::unique_lock<std::mutex> lock(crew_->mutex);
    // Only now may the item handed out before be overwritten.
    crew_->in_use = next_;
    crew_->changed.notify_all();
    Slot& slot = crew_->slot_of(next_);
    crew_->changed.wait(lock, [&] { return slot.ready; });
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

  // The threads, and what they share with the consumer's.
  struct Crew {
    explicit Crew(size_t size) : slots(size) {}
    Slot& slot_of(uint64_t number) { return slots[number % slots.size()]; }

    std::vector<Slot> slots;
    std::vector<std::thread> workers;
    std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;
    uint64_t in_use = 0;   // oldest number whose slot is taken
    uint64_t claimed = 0;  // next number for a worker
  };

  void start() {
    process_ = getpid();
    crew_->stopping = false;
    crew_->in_use = crew_->claimed = next_;
    for (Slot& slot : crew_->slots) slot.ready = false;
    for (int t = 0; t < threads_; ++t) crew_->workers.emplace_back([this] { work(*crew_); });
  }

  void stop() {
    if (crew_->workers.empty()) return;
    if (process_ != getpid()) {
      // In a process that was forked from the workers' there are none to wait for: what they have
      // locked, or wait on, stays so, and may be used no more, nor destroyed.
      crew_.release();
      crew_.reset(new Crew(depth_ + 1));
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(crew_->mutex);
      crew_->stopping = true;
    }
    crew_->changed.notify_all();
    for (std::thread& worker : crew_->workers) worker.join();
    crew_->workers.clear();
  }

  void work(Crew& crew) {
    std::unique_lock<std::mutex> lock(crew.mutex);
    while (true) {
      crew.changed.wait(
          lock, [&] { return crew.stopping || crew.claimed < crew.in_use + crew.slots.size(); });
      if (crew.stopping) return;
      const uint64_t number = crew.claimed++;
      Slot& slot = crew.slot_of(number);
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
      crew.changed.notify_all();
    }
  }

  const Make make_;
  const int threads_, depth_;
  std::unique_ptr<Crew> crew_;
  pid_t process_ = 0;  // that started the workers
  uint64_t next_ = 0;
};

}  // namespace dcme

#endif  // DCME_ORDERED_PREFETCH_HPP_
