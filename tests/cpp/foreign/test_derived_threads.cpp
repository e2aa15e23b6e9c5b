// What others derive from InternalThread.

#include "caffe/internal_thread.hpp"
#include "caffe/util/blocking_queue.hpp"
#include "foreign.hpp"

namespace caffe {

class Producer : public InternalThread {
 public:
  explicit Producer(BlockingQueue<int>* queue) : queue_(queue) {}
  virtual ~Producer() { StopInternalThread(); }

 protected:
  virtual void InternalThreadEntry() {
    for (int i = 0; !must_stop(); ++i) queue_->push(i);
  }

 private:
  BlockingQueue<int>* queue_;
};

TEST(DerivedThreads, FillQueuesUntilTheyAreStopped) {
  BlockingQueue<int> queue;
  Producer producer(&queue);
  EXPECT_FALSE(producer.is_started());
  producer.StartInternalThread();
  EXPECT_TRUE(producer.is_started());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(i, queue.pop("waiting"));
  EXPECT_EQ(100, queue.peek());
  producer.StopInternalThread();
  EXPECT_FALSE(producer.is_started());
  int value;
  EXPECT_TRUE(queue.try_peek(&value));
  while (queue.try_pop(&value)) EXPECT_GE(value, 100);
  EXPECT_EQ(0u, queue.size());
  // It may be started again, and be waiting when it is destroyed.
  producer.StartInternalThread();
  EXPECT_EQ(0, queue.pop());
}

class Waiter : public InternalThread {
 public:
  explicit Waiter(BlockingQueue<int>* queue) : queue_(queue) {}
  ~Waiter() { StopInternalThread(); }

 protected:
  virtual void InternalThreadEntry() { queue_->pop(); }

 private:
  BlockingQueue<int>* queue_;
};

TEST(DerivedThreads, EndWhereTheyWait) {
  BlockingQueue<int> empty;
  Waiter waiter(&empty);
  waiter.StartInternalThread();
  waiter.StopInternalThread();
  EXPECT_FALSE(waiter.is_started());
}

}  // namespace caffe
