#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "util/bfloat16.hpp"

namespace caffe_test {
namespace {

using caffe::BFloat16;

TEST(BFloat16, KeepsWhatHasEightSignificantBits) {
  for (const float value : {0.f, -0.f, 1.f, -2.5f, 255.f, 1.17549435e-38f, 3.38953139e38f}) {
    EXPECT_EQ(float(BFloat16(value)), value);
    EXPECT_EQ(std::signbit(float(BFloat16(value))), std::signbit(value));
  }
}

TEST(BFloat16, RoundsToTheNearestAndToEvenBetweenTwo) {
  EXPECT_EQ(float(BFloat16(1 + 0.003f)), 1.f);
  EXPECT_EQ(float(BFloat16(1 + 0.005f)), 1.0078125f);
  EXPECT_EQ(float(BFloat16(1 + 1 / 256.f)), 1.f);
  EXPECT_EQ(float(BFloat16(1 + 3 / 256.f)), 1 + 4 / 256.f);
}

TEST(BFloat16, KeepsInfinityAndNaN) {
  EXPECT_EQ(float(BFloat16(std::numeric_limits<float>::infinity())),
            std::numeric_limits<float>::infinity());
  EXPECT_EQ(float(BFloat16(std::numeric_limits<float>::max())),
            std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(float(BFloat16(std::numeric_limits<float>::quiet_NaN()))));
  const uint32_t bits = 0x7fffffffu;
  EXPECT_TRUE(std::isnan(float(BFloat16(__builtin_bit_cast(float, bits)))));
}

}  // namespace
}  // namespace caffe_test
