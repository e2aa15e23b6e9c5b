#include <atomic>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/thread/exceptions.hpp>
#include <gtest/gtest.h>
#include <omp.h>

#include "caffe/internal_thread.hpp"
#include "caffe/util/blocking_queue.hpp"
#include "caffe/util/math_functions.hpp"
#include "util/parallel_tasks.hpp"

using caffe::BlockingQueue;
using caffe::Caffe;

namespace {

// Waits for values that never come.
class Waiting : public caffe::InternalThread {
 public:
  ~Waiting() override { StopInternalThread(); }
  std::atomic<bool> interrupted{false};
  std::atomic<bool> entered{false};

 protected:
  void InternalThreadEntry() override {
    entered = true;
    try {
      queue_.pop();
    } catch (const boost::thread_interrupted&) {
      interrupted = true;
      throw;
    }
  }

 private:
  BlockingQueue<int> queue_;
};

class Spinning : public caffe::InternalThread {
 public:
  ~Spinning() override { StopInternalThread(); }

 protected:
  void InternalThreadEntry() override {
    while (!must_stop()) std::this_thread::yield();
  }
};

class Reporting : public caffe::InternalThread {
 public:
  ~Reporting() override { StopInternalThread(); }
  std::atomic<unsigned> number{0};
  std::atomic<int> rank{-1};

 protected:
  void InternalThreadEntry() override {
    number = caffe::caffe_rng_rand();
    rank = Caffe::solver_rank();
  }
};

template <typename Thrown>
class Failing : public caffe::InternalThread {
 public:
  ~Failing() override { StopInternalThread(); }

 protected:
  void InternalThreadEntry() override { throw Thrown(); }
};

TEST(ParallelTasks, AreDoneOnceEachAloneOnTheirThread) {
  std::vector<std::atomic<int>> times(100);
  std::atomic<int> strangers{0};
  caffe::ParallelTasks(100, 3, [&](int task, int thread) {
    ++times[task];
    if (thread < 0 || thread >= 3 || caffe::NumThreads() != 1) ++strangers;
  });
  for (const auto& count : times) EXPECT_EQ(count, 1);
  EXPECT_EQ(strangers, 0);
}

TEST(ParallelFor, ThrowsWhatLeavesAPiece) {
  const int before = omp_get_max_threads();
  for (const int threads : {1, 3}) {
    omp_set_num_threads(threads);
    const auto fail_in_the_last = [](std::ptrdiff_t, std::ptrdiff_t end) {
      if (end == 90) throw std::bad_alloc();
    };
    EXPECT_THROW(caffe::ParallelFor(90, 1, fail_in_the_last), std::bad_alloc);
  }
  omp_set_num_threads(before);
}

TEST(ParallelTasks, EndWithTheFirstException) {
  for (const int threads : {1, 2, 5}) {
    std::atomic<int> begun{0};
    const auto run = [&] {
      caffe::ParallelTasks(1000, threads, [&](int task, int) {
        ++begun;
        if (task >= 7) throw std::runtime_error("of a task");
      });
    };
    EXPECT_THROW(run(), std::runtime_error);
    // Whoever has failed sees it: there is one failure for each thread at most.
    EXPECT_GE(begun, 8);
    EXPECT_LE(begun, 7 + threads);
  }
}

}  // namespace

TEST(InternalThread, StopsWhereverItWaits) {
  for (int i = 0; i < 20; ++i) {
    Waiting thread;
    thread.StartInternalThread();
    EXPECT_TRUE(thread.is_started());
    // Both before it has begun to wait and after.
    if (i % 2) {
      while (!thread.entered) std::this_thread::yield();
    }
    thread.StopInternalThread();
    EXPECT_FALSE(thread.is_started());
    EXPECT_EQ(thread.interrupted, thread.entered);
  }
}

TEST(InternalThread, StopsThatAsksWhetherItMust) {
  Spinning thread;
  thread.StartInternalThread();
  thread.StopInternalThread();
  thread.StartInternalThread();
  thread.StopInternalThread();
  thread.StopInternalThread();
}

TEST(InternalThread, DrawsItsSeedFromTheThreadThatStartsIt) {
  unsigned numbers[3];
  const unsigned seeds[] = {9658361, 9658361, 8765431};
  for (int i = 0; i < 3; ++i) {
    Reporting thread;
    Caffe::set_random_seed(seeds[i]);
    thread.StartInternalThread();
    thread.StopInternalThread();
    numbers[i] = thread.number;
  }
  EXPECT_EQ(numbers[0], numbers[1]);
  EXPECT_NE(numbers[0], numbers[2]);
}

TEST(InternalThread, TakesOverTheSolverRank) {
  Caffe::set_solver_rank(3);
  Reporting thread;
  thread.StartInternalThread();
  thread.StopInternalThread();
  Caffe::set_solver_rank(0);
  EXPECT_EQ(thread.rank, 3);
}

TEST(InternalThread, AnExceptionEndsTheThreadNotTheProcess) {
  Failing<int> number;
  Failing<boost::thread_interrupted> interruption;
  Failing<std::bad_alloc> memory;
  for (caffe::InternalThread* thread :
       std::initializer_list<caffe::InternalThread*>{&number, &interruption, &memory}) {
    thread->StartInternalThread();
    thread->StopInternalThread();
  }
}

TEST(BlockingQueue, HandsValuesOnInOrder) {
  BlockingQueue<int> queue;
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) queue.push(i);
  });
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(queue.pop(), i);
  producer.join();
  int value = 0;
  EXPECT_FALSE(queue.try_pop(&value));
  EXPECT_FALSE(queue.try_peek(&value));
  queue.push(7);
  EXPECT_EQ(queue.peek(), 7);
  EXPECT_TRUE(queue.try_peek(&value));
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_TRUE(queue.try_pop(&value));
  EXPECT_EQ(value, 7);
}

TEST(BlockingQueue, HandsAFailureOnWhenItIsEmpty) {
  BlockingQueue<int> queue;
  queue.push(1);
  std::thread producer([&] { queue.fail(std::make_exception_ptr(caffe::Error("on purpose"))); });
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_THROW(queue.pop(), caffe::Error);
  EXPECT_THROW(queue.pop(), caffe::Error);
  producer.join();
  queue.clear();
  queue.push(2);
  EXPECT_EQ(queue.pop(), 2);
}
