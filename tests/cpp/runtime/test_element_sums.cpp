// Sums and products of arrays, element by element, beside plain loops.

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "layers/element_sums.hpp"
#include "util/bfloat16.hpp"

namespace caffe_test {
namespace {

// Some blocks, and a part of one.
const int kCount = 3 * static_cast<int>(caffe::kElementBlock) + 5;

template <typename T>
std::vector<std::vector<T>> Arrays(int number) {
  std::vector<std::vector<T>> arrays(number, std::vector<T>(kCount));
  for (int k = 0; k < number; ++k) {
    for (int i = 0; i < kCount; ++i) arrays[k][i] = std::sin(k + 0.37f * i);
  }
  return arrays;
}

template <typename T>
std::vector<const T*> PointersTo(const std::vector<std::vector<T>>& arrays) {
  std::vector<const T*> pointers;
  for (const std::vector<T>& array : arrays) pointers.push_back(array.data());
  return pointers;
}

template <typename Dtype, typename T>
void CheckSums(const std::vector<Dtype>& coeffs) {
  const auto x = Arrays<T>(static_cast<int>(coeffs.size()));
  std::vector<T> y(kCount);
  caffe::SumElements(PointersTo(x), coeffs, kCount, y.data());
  for (int i = 0; i < kCount; ++i) {
    Dtype sum = coeffs[0] * Dtype(x[0][i]);
    for (size_t k = 1; k < x.size(); ++k) {
      const Dtype term = coeffs[k] * Dtype(x[k][i]);
      sum += term;
    }
    ASSERT_NEAR(Dtype(y[i]), Dtype(T(sum)), 1e-6) << i;
  }
}

template <typename Dtype, typename T>
void CheckProducts() {
  const auto x = Arrays<T>(3);
  std::vector<T> y(kCount);
  caffe::MultiplyElements<Dtype>(PointersTo(x), kCount, y.data());
  for (int i = 0; i < kCount; ++i) {
    const Dtype product = Dtype(x[0][i]) * Dtype(x[1][i]) * Dtype(x[2][i]);
    ASSERT_EQ(Dtype(y[i]), Dtype(T(product))) << i;
  }
}

TEST(ElementSums, AreThoseOfAPlainLoop) {
  CheckSums<float, float>({1, 1, 1});
  CheckSums<float, float>({0.5f, -2, 1});
  CheckSums<float, caffe::BFloat16>({1, 1});
  CheckSums<float, caffe::BFloat16>({1, 1, 1, 1});
  CheckSums<double, double>({1, -0.25, 3});
}

TEST(ElementSums, MayOverwriteTheFirstArray) {
  auto x = Arrays<float>(3);
  std::vector<float> apart(kCount);
  const std::vector<float> coeffs = {1, 0.5f, 1};
  caffe::SumElements(PointersTo(x), coeffs, kCount, apart.data());
  caffe::SumElements(PointersTo(x), coeffs, kCount, x[0].data());
  EXPECT_EQ(x[0], apart);
}

TEST(ElementProducts, AreThoseOfAPlainLoop) {
  CheckProducts<float, float>();
  CheckProducts<float, caffe::BFloat16>();
  CheckProducts<double, double>();
}

}  // namespace
}  // namespace caffe_test
