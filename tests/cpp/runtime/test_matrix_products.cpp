#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/util/math_functions.hpp"

namespace caffe_test {
namespace {

struct Product {
  int m, n, k;
};

// Small ones go to BLAS, others to oneDNN, and with a transposed factor it depends on the rows.
const Product kProducts[] = {{1, 1, 1},    {3, 5, 2},      {1, 300, 70},  {40, 33, 1},
                             {17, 64, 49}, {255, 20, 300}, {256, 31, 65}, {300, 2, 128}};

template <typename Dtype>
std::vector<Dtype> Multiply(const Product& p, bool ta, bool tb, double alpha, double beta) {
  const auto numbers = [](int count, int seed) {
    std::vector<Dtype> values(count);
    for (int i = 0; i < count; ++i) values[i] = Dtype((i * 37 + seed) % 61 - 30) / 16;
    return values;
  };
  const auto a = numbers(p.m * p.k, 1), b = numbers(p.k * p.n, 2);
  auto c = numbers(p.m * p.n, 3);
  caffe::caffe_cpu_gemm<Dtype>(ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, p.m,
                               p.n, p.k, Dtype(alpha), a.data(), b.data(), Dtype(beta), c.data());
  return c;
}

TEST(MatrixProducts, OfFloatsAreThoseOfDoublesInEveryShape) {
  for (const Product& p : kProducts) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        for (const double beta : {0., 1., -0.5}) {
          const auto got = Multiply<float>(p, ta, tb, 0.75, beta);
          const auto expected = Multiply<double>(p, ta, tb, 0.75, beta);
          for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], expected[i], 1e-3) << p.m << " x " << p.n << " x " << p.k
                                                   << ", transposed: " << ta << tb << ", at " << i;
          }
        }
      }
    }
  }
}

TEST(MatrixProducts, OverwriteWhatTheyDoNotAddTo) {
  const std::vector<float> ones(64 * 64, 1.f);
  std::vector<float> c(64 * 64, std::numeric_limits<float>::quiet_NaN());
  caffe::caffe_cpu_gemm<float>(CblasNoTrans, CblasNoTrans, 64, 64, 64, 1.f, ones.data(),
                               ones.data(), 0.f, c.data());
  for (const float value : c) ASSERT_EQ(value, 64.f);
}

}  // namespace
}  // namespace caffe_test
