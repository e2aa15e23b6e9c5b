#include <map>
#include <random>

#include <gtest/gtest.h>

#include "core/pieces.hpp"

namespace caffe {
namespace {

TEST(Pieces, ComeFromTheSmallestGap) {
  Pieces pieces(100, 10);
  EXPECT_EQ(0u, pieces.Take(30));
  EXPECT_EQ(30u, pieces.Take(10));
  EXPECT_EQ(40u, pieces.Take(15)) << "rounded up to two units";
  EXPECT_EQ(60u, pieces.Take(10));
  pieces.GiveBack(0);
  pieces.GiveBack(40);
  EXPECT_EQ(40u, pieces.Take(20));
  EXPECT_EQ(0u, pieces.Take(20));
  EXPECT_EQ(20u, pieces.Take(10));
  EXPECT_EQ(70u, pieces.extent());
}

TEST(Pieces, NeighbouringGapsBecomeOne) {
  Pieces pieces(100, 1);
  for (size_t offset : {0, 25, 50, 75}) EXPECT_EQ(offset, pieces.Take(25));
  pieces.GiveBack(0);
  pieces.GiveBack(50);
  EXPECT_EQ(Pieces::kNone, pieces.Take(75));
  pieces.GiveBack(25);
  EXPECT_EQ(0u, pieces.Take(75));
  EXPECT_EQ(100u, pieces.taken());
  EXPECT_EQ(Pieces::kNone, pieces.Take(1));
}

TEST(Pieces, AGapAtTheEndBeginsALargerPiece) {
  Pieces pieces(100, 1);
  pieces.Take(40);
  pieces.Take(40);
  pieces.GiveBack(40);
  EXPECT_EQ(40u, pieces.Take(60));
  EXPECT_EQ(Pieces::kNone, pieces.Take(101)) << "more than the range has";
}

TEST(Pieces, NeverOverlap) {
  std::mt19937 random(1);
  Pieces pieces(5000, 7);
  std::map<size_t, size_t> held;
  size_t total = 0;
  for (int i = 0; i < 20000; ++i) {
    if (!held.empty() && random() % 2) {
      const auto one = std::next(held.begin(), random() % held.size());
      pieces.GiveBack(one->first);
      total -= (one->second + 6) / 7 * 7;
      held.erase(one);
    } else {
      const size_t size = 1 + random() % 300, offset = pieces.Take(size);
      if (offset == Pieces::kNone) continue;
      const auto next = held.lower_bound(offset);
      ASSERT_TRUE(next == held.end() || offset + size <= next->first);
      ASSERT_TRUE(next == held.begin() ||
                  std::prev(next)->first + std::prev(next)->second <= offset);
      ASSERT_LE(offset + size, 5000u);
      held[offset] = size;
      total += (size + 6) / 7 * 7;
    }
    ASSERT_EQ(total, pieces.taken());
  }
}

}  // namespace
}  // namespace caffe
