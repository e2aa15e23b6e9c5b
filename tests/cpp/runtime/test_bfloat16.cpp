#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "util/bfloat16.hpp"
#include "util/float16.hpp"

namespace caffe_test {
namespace {

using caffe::BFloat16;
using caffe::Float16;

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

TEST(Float16, KeepsItsOwnNumbers) {
  for (int bits = 0; bits < 1 << 16; ++bits) {
    Float16 number;
    number.bits = static_cast<uint16_t>(bits);
    if (std::isnan(float(number))) {
      EXPECT_TRUE(std::isnan(float(Float16(float(number)))));
    } else {
      ASSERT_EQ(Float16(float(number)).bits, number.bits);
    }
  }
  Float16 smallest, largest;
  smallest.bits = 1;
  largest.bits = 0x7bff;
  EXPECT_EQ(float(smallest), std::ldexp(1.f, -24));
  EXPECT_EQ(float(largest), 65504.f);
}

TEST(Float16, RoundsToTheNearestAndToEvenBetweenTwo) {
  EXPECT_EQ(float(Float16(1 + 1 / 2048.f)), 1.f);
  EXPECT_EQ(float(Float16(1 + 3 / 2048.f)), 1 + 4 / 2048.f);
  EXPECT_EQ(float(Float16(1 + 1.1f / 2048)), 1 + 2 / 2048.f);
  EXPECT_EQ(float(Float16(65519.f)), 65504.f);
  EXPECT_EQ(float(Float16(-65520.f)), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(float(Float16(std::ldexp(1.f, -25))), 0.f);
  EXPECT_EQ(float(Float16(std::ldexp(1.1f, -25))), std::ldexp(1.f, -24));
  EXPECT_EQ(float(Float16(std::ldexp(2047.6f, -25))), std::ldexp(1.f, -14));
}

}  // namespace
}  // namespace caffe_test
