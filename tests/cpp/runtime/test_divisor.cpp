// Division by a product: the GPU's way to find out where elements belong.

#include <climits>

#include <gtest/gtest.h>

#include "util/divisor.hpp"

namespace caffe {
namespace {

TEST(Divisor, GivesTheQuotientsOfDivision) {
  const int some[] = {1,     2,       3,       5,           7,           10,     64,
                      100,   255,     256,     257,         641,         4096,   65535,
                      65537, 1000003, 1 << 30, INT_MAX / 2, INT_MAX - 1, INT_MAX};
  for (const int d : some) {
    const Divisor divisor(d);
    const auto expect_right = [&](int64_t i) {
      if (i < 0 || i > INT_MAX) return;
      ASSERT_EQ(divisor.Quotient(int(i)), i / d) << i << " / " << d;
      ASSERT_EQ(divisor.Remainder(int(i)), i % d) << i << " % " << d;
    };
    // Right below and at multiples, the largest included.
    for (const int64_t factor : some) {
      for (int64_t off = -1; off <= 1; ++off) expect_right(factor * d + off);
    }
    for (int64_t off = -1; off <= 1; ++off) expect_right(INT_MAX / d * int64_t(d) + off);
    for (int i = 0; i < 1000; ++i) expect_right(int64_t(i) * 2147483);
    expect_right(INT_MAX);
  }
}

TEST(Divisor, OfNothingIsOne) { EXPECT_EQ(Divisor(0).Quotient(5), 5); }

}  // namespace
}  // namespace caffe
