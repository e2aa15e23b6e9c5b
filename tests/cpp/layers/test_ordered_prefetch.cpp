#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "dcme_layers.hpp"
#include "forked_process.hpp"
#include "ordered_prefetch.hpp"

namespace dcme_test {
namespace {

using dcme::OrderedPrefetch;

// A number that threads raise, and others wait for.
class Count {
 public:
  void raise() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++value_;
    changed_.notify_all();
  }
  void wait_for(int value) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return value_ >= value; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int value_ = 0;
};

TEST(OrderedPrefetchTest, HandsItemsOutInOrderHoweverManyThreadsMakeThem) {
  for (const int threads : {1, 2, 5}) {
    for (const int depth : {1, 3}) {
      Count second;
      OrderedPrefetch<uint64_t> items(
          [&](uint64_t number, uint64_t* item) {
            // Where another thread can make it, item 1 is there before item 0.
            if (number == 0 && threads > 1) second.wait_for(1);
            if (number == 1) second.raise();
            *item = number * number;
          },
          threads, depth);
      for (uint64_t i = 0; i < 60; ++i) ASSERT_EQ(items.next(), i * i);
    }
  }
}

TEST(OrderedPrefetchTest, AForkedProcessDoesNotWaitForTheThreadsThatItLacks) {
  OrderedPrefetch<int> items([](uint64_t number, int* item) { *item = int(number); }, 1, 2);
  EXPECT_EQ(items.next(), 0);
  EXPECT_TRUE(caffe_test::InForkedProcess([&] {
    try {
      items.next();
    } catch (const std::runtime_error&) {
      return true;
    }
    return false;
  }));
  EXPECT_EQ(items.next(), 1);
}

TEST(OrderedPrefetchTest, MakesAsManyAheadAsItsDepth) {
  const int depth = 3;
  std::atomic<int> asked_for{0}, too_early{0};
  Count made;
  OrderedPrefetch<int> items(
      [&](uint64_t number, int*) {
        too_early += int(number) > asked_for - 1 + depth;
        made.raise();
      },
      2, depth);
  for (int i = 1; i <= 10; ++i) {
    asked_for = i;
    items.next();
    made.wait_for(i + depth);
  }
  EXPECT_EQ(too_early, 0);
}

TEST(OrderedPrefetchTest, AnItemStaysUntilTheNextIsAskedFor) {
  const int depth = 2;
  Count made;
  OrderedPrefetch<uint64_t> items(
      [&](uint64_t number, uint64_t* item) {
        *item = number;
        made.raise();
      },
      3, depth);
  for (uint64_t i = 0; i < 20; ++i) {
    const uint64_t& item = items.next();
    made.wait_for(int(i) + 1 + depth);  // all that may be made meanwhile
    ASSERT_EQ(item, i);
  }
}

TEST(OrderedPrefetchTest, JumpsForthAndBack) {
  Count made;
  OrderedPrefetch<uint64_t> items(
      [&](uint64_t number, uint64_t* item) {
        *item = number;
        made.raise();
      },
      2, 4);
  EXPECT_EQ(items.next(), 0u);
  made.wait_for(5);  // 1 to 4 are there, now of no use
  items.jump(1000);
  EXPECT_EQ(items.position(), 1000u);
  EXPECT_EQ(items.next(), 1000u);
  items.jump(3);
  EXPECT_EQ(items.next(), 3u);
  EXPECT_EQ(items.next(), 4u);
  items.jump(21);
  for (uint64_t i = 21; i < 26; ++i) EXPECT_EQ(items.next(), i);
}

TEST(OrderedPrefetchTest, AFailureIsThrownWhereItsItemIsDue) {
  OrderedPrefetch<uint64_t> items(
      [](uint64_t number, uint64_t* item) {
        if (number == 3) throw std::runtime_error("item 3");
        *item = number;
      },
      2, 4);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(items.next(), i);
  EXPECT_EQ(ErrorOf<std::runtime_error>([&] { items.next(); }), "item 3");
  EXPECT_EQ(ErrorOf<std::runtime_error>([&] { items.next(); }), "item 3");
  items.jump(4);
  EXPECT_EQ(items.next(), 4u);
}

TEST(OrderedPrefetchTest, AFailedItemIsTriedAgain) {
  std::atomic<bool> fails{true};
  OrderedPrefetch<uint64_t> items(
      [&](uint64_t number, uint64_t* item) {
        if (fails) throw std::runtime_error("not yet");
        *item = number;
      },
      2, 4);
  EXPECT_EQ(ErrorOf<std::runtime_error>([&] { items.next(); }), "not yet");
  fails = false;
  EXPECT_EQ(items.next(), 0u);
  EXPECT_EQ(items.next(), 1u);
}

TEST(OrderedPrefetchTest, EndsWhileItemsAreBeingMade) {
  OrderedPrefetch<int> unused([](uint64_t, int*) {}, 2, 2);
  Count begun, ending;
  std::thread late;
  {
    OrderedPrefetch<int> busy(
        [&](uint64_t number, int*) {
          begun.raise();
          if (number > 0) ending.wait_for(1);
        },
        2, 2);
    busy.next();
    begun.wait_for(3);  // both threads make items
    late = std::thread([&] { ending.raise(); });
  }
  late.join();
}

// Its threads stay in the process that it was forked from.
TEST(OrderedPrefetchTest, AForkedProcessCanGoElsewhereAndLetGoOfIt) {
  const auto make = [](uint64_t number, uint64_t* item) { *item = number; };
  auto items = std::make_unique<OrderedPrefetch<uint64_t>>(make, 2, 4);
  items->next();
  EXPECT_TRUE(caffe_test::InForkedProcess([&] {
    items.reset();
    return true;
  }));
  EXPECT_TRUE(caffe_test::InForkedProcess([&] {
    items->jump(7);
    const bool right = items->next() == 7 && items->next() == 8;
    items.reset();
    return right;
  }));
  EXPECT_EQ(items->next(), 1u);
}

}  // namespace
}  // namespace dcme_test
