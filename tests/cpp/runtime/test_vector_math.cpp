// Functions that are computed for a vector of elements at a time.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/util/math_functions.hpp"
#include "util/vector_math.hpp"

namespace caffe_test {
namespace {

const auto kExp = [](auto x) { return std::exp(x); };
const auto kLog = [](auto x) { return std::log(x); };
const auto kTanh = [](auto x) { return std::tanh(x); };
const auto kExpm1 = [](auto x) { return std::expm1(x); };
const auto kLog1p = [](auto x) { return std::log1p(x); };
const auto kPower = [](auto x) { return std::pow(x, decltype(x)(-0.75)); };

// Calls body(name, function) for all of which there are versions for vectors.
template <typename Body>
void EachFunction(const Body& body) {
  body("exp", kExp);
  body("log", kLog);
  body("tanh", kTanh);
  body("expm1", kExpm1);
  body("log1p", kLog1p);
  body("pow", kPower);
}

// The function is a part of the loop: through a pointer it could only be called for one element.
template <typename Dtype, typename Function>
std::vector<Dtype> Mapped(const std::vector<Dtype>& x, const Function& function) {
  std::vector<Dtype> y(x.size());
  caffe::ParallelMap(x.size(), y.data(), function, x.data());
  return y;
}

template <typename Dtype, typename Function>
void ExpectExact(const std::string& name, const Function& function) {
  std::vector<Dtype> x;
  for (double value = 1e-9; value < 60; value *= 1.037) {
    x.push_back(static_cast<Dtype>(value));
    x.push_back(static_cast<Dtype>(-value));
  }
  const std::vector<Dtype> y = Mapped(x, function);
  for (size_t i = 0; i < x.size(); ++i) {
    const long double exact = function(static_cast<long double>(x[i]));
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(y[i])) << name << " of " << x[i];
    } else {
      const long double rounding = std::numeric_limits<Dtype>::epsilon() * std::fabs(exact);
      EXPECT_NEAR(y[i], exact, 4 * rounding) << name << " of " << x[i];
    }
  }
}

TEST(VectorMath, IsExactToFourRoundings) {
  EachFunction([](const std::string& name, const auto& function) {
    ExpectExact<float>(name, function);
    ExpectExact<double>(name, function);
  });
}

template <typename Dtype>
void ExpectLimits() {
  const Dtype infinity = std::numeric_limits<Dtype>::infinity();
  const std::vector<Dtype> ends = {-infinity, -1e4, 1e4, infinity};
  EXPECT_EQ(Mapped(ends, kExp), (std::vector<Dtype>{0, 0, infinity, infinity}));
  EXPECT_EQ(Mapped(ends, kTanh), (std::vector<Dtype>{-1, -1, 1, 1}));
  EXPECT_EQ(Mapped<Dtype>({0, 1, infinity}, kLog), (std::vector<Dtype>{-infinity, 0, infinity}));
  EXPECT_TRUE(std::isnan(Mapped<Dtype>({-1}, kLog)[0]));
  EachFunction([](const std::string& name, const auto& function) {
    const std::vector<Dtype> none = {std::numeric_limits<Dtype>::quiet_NaN()};
    EXPECT_TRUE(std::isnan(Mapped(none, function)[0])) << name;
  });
}

TEST(VectorMath, KnowsInfinityAndNotANumber) {
  ExpectLimits<float>();
  ExpectLimits<double>();
}

// Also among the last elements, which are fewer than a vector.
TEST(VectorMath, GivesEqualValuesEqualResultsWhereverTheyStand) {
  EachFunction([](const std::string& name, const auto& function) {
    for (const float x : {0.3f, 0.77f, 1.9f}) {
      for (const int n : {1, 15, 16, 17, 47, 100003}) {
        const std::vector<float> y = Mapped(std::vector<float>(n, x), function);
        EXPECT_EQ(y, std::vector<float>(n, y[0])) << name << " of " << n << " times " << x;
      }
    }
  });
}

TEST(VectorMath, TakesSeveralInputsAndWritesOverOne) {
  const auto power = [](float a, float b) { return std::pow(a, b); };
  for (const int n : {5, 16, 37}) {
    std::vector<float> x(n), exponents(n, 1.5f), expected(n);
    for (int i = 0; i < n; ++i) {
      x[i] = 0.25f * i;
      expected[i] = std::pow(x[i], 1.5f);
    }
    caffe::ParallelMap(n, x.data(), power, x.data(), exponents.data());
    for (int i = 0; i < n; ++i) EXPECT_FLOAT_EQ(x[i], expected[i]) << i << " of " << n;
  }
}

TEST(VectorMath, IsBehindTheFunctionsOfArrays) {
  const std::vector<double> x = {0.5, 1, 2, 7};
  std::vector<double> y(x.size());
  const auto expect = [&](const auto& function) {
    for (size_t i = 0; i < x.size(); ++i) EXPECT_DOUBLE_EQ(y[i], function(x[i]));
  };
  caffe::caffe_exp(4, x.data(), y.data());
  expect(kExp);
  caffe::caffe_log(4, x.data(), y.data());
  expect(kLog);
  caffe::caffe_powx(4, x.data(), 2.5, y.data());
  expect([](double value) { return std::pow(value, 2.5); });
}

}  // namespace
}  // namespace caffe_test
