#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "dcme_layers.hpp"
#include "ordered_prefetch.hpp"

namespace dcme_test {
namespace {

using dcme::OrderedPrefetch;

TEST(OrderedPrefetchTest, HandsItemsOutInOrderHoweverManyThreadsMakeThem) {
  for (const int threads : {1, 2, 5}) {
    for (const int depth : {1, 3}) {
      OrderedPrefetch<uint64_t> items(
          [](uint64_t number, uint64_t* item) {
            // Odd items take longer, so that they are ready after their successors.
            if (number % 2) std::this_thread::sleep_for(std::chrono::microseconds(200));
            *item = number * number;
          },
          threads, depth);
      for (uint64_t i = 0; i < 60; ++i) ASSERT_EQ(items.next(), i * i);
    }
  }
}

TEST(OrderedPrefetchTest, MakesNoMoreThanItsDepthAhead) {
  std::atomic<int> made{0};
  OrderedPrefetch<int> items([&](uint64_t, int*) { ++made; }, 2, 3);
  for (int i = 1; i <= 10; ++i) {
    items.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_LE(made, i + 3);
  }
}

TEST(OrderedPrefetchTest, AnItemStaysUntilTheNextIsAskedFor) {
  OrderedPrefetch<uint64_t> items([](uint64_t number, uint64_t* item) { *item = number; }, 3, 2);
  for (uint64_t i = 0; i < 20; ++i) {
    const uint64_t& item = items.next();
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    ASSERT_EQ(item, i);
  }
}

TEST(OrderedPrefetchTest, JumpsForthAndBack) {
  OrderedPrefetch<uint64_t> items([](uint64_t number, uint64_t* item) { *item = number; }, 2, 4);
  EXPECT_EQ(items.next(), 0u);
  items.jump(1000);
  EXPECT_EQ(items.position(), 1000u);
  EXPECT_EQ(items.next(), 1000u);
  items.jump(3);
  EXPECT_EQ(items.next(), 3u);
  EXPECT_EQ(items.next(), 4u);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // 5 to 8 are there, now of no use
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
  EXPECT_ERROR(items.next(), "item 3");
  EXPECT_ERROR(items.next(), "item 3");
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
  EXPECT_ERROR(items.next(), "not yet");
  fails = false;
  EXPECT_EQ(items.next(), 0u);
  EXPECT_EQ(items.next(), 1u);
}

TEST(OrderedPrefetchTest, EndsWhileItemsAreBeingMade) {
  OrderedPrefetch<int> unused([](uint64_t, int*) {}, 2, 2);
  OrderedPrefetch<int> busy(
      [](uint64_t, int*) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }, 2, 2);
  busy.next();
}

}  // namespace
}  // namespace dcme_test
