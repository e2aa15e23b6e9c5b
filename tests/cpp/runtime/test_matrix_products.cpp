#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/util/math_functions.hpp"
#include "dnn/gemm.hpp"

namespace caffe_test {
namespace {

struct Product {
  int m, n, k;
};

// Those of vectors go to BLAS's functions for these, in float; small ones to its function for
// matrices, others to oneDNN, in which way depends on the smallest extent, and with a transposed
// factor on the rows (a few, or less than 256).
const Product kProducts[] = {{1, 1, 1},     {3, 5, 2},     {1, 300, 70},   {70, 1, 300},
                             {40, 33, 1},   {17, 64, 49},  {9, 150, 300},  {255, 20, 300},
                             {256, 31, 65}, {300, 2, 128}, {257, 300, 260}};

// Any bfloat16 number is as good as a float for these.
template <typename Dtype>
std::vector<Dtype> Numbers(int count, int seed) {
  std::vector<Dtype> values(count);
  for (int i = 0; i < count; ++i) values[i] = Dtype((i * 37 + seed) % 61 - 30) / 16;
  return values;
}

template <typename Dtype>
std::vector<Dtype> Multiply(const Product& p, bool ta, bool tb, double alpha, double beta) {
  const auto a = Numbers<Dtype>(p.m * p.k, 1), b = Numbers<Dtype>(p.k * p.n, 2);
  auto c = Numbers<Dtype>(p.m * p.n, 3);
  caffe::caffe_cpu_gemm<Dtype>(ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, p.m,
                               p.n, p.k, Dtype(alpha), a.data(), b.data(), Dtype(beta), c.data());
  return c;
}

void ExpectNear(const std::vector<float>& got, const std::vector<double>& expected,
                const Product& p, bool ta, bool tb) {
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], 1e-3)
        << p.m << " x " << p.n << " x " << p.k << ", transposed: " << ta << tb << ", at " << i;
  }
}

TEST(MatrixProducts, OfFloatsAreThoseOfDoublesInEveryShape) {
  for (const Product& p : kProducts) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        for (const double beta : {0., 1., -0.5}) {
          for (const double alpha : {1., 0.75}) {
            ExpectNear(Multiply<float>(p, ta, tb, alpha, beta),
                       Multiply<double>(p, ta, tb, alpha, beta), p, ta, tb);
          }
        }
      }
    }
  }
}

TEST(MatrixProducts, OfNothingAreWhatTheyAreAddedTo) {
  for (const Product p : {Product{1, 5, 0}, Product{5, 1, 0}, Product{3, 5, 0}}) {
    for (const double beta : {0., 1., -0.5}) {
      const auto before = Numbers<float>(p.m * p.n, 3),
                 after = Multiply<float>(p, false, true, 1, beta);
      for (size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i], float(beta) * before[i]);
    }
  }
}

TEST(MatrixProducts, OfRoundedFactorsAreThoseOfTheNumbersThatTheyAre) {
  const Product p = {257, 300, 260};
  const auto a = Numbers<float>(p.m * p.k, 1), b = Numbers<float>(p.k * p.n, 2);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const float beta : {0.f, 1.f}) {
        auto c = Numbers<float>(p.m * p.n, 3);
        if (!caffe::dnn::RoundedGemm(ta, tb, p.m, p.n, p.k, a.data(), b.data(), beta, c.data())) {
          GTEST_SKIP() << "this processor multiplies floats only";
        }
        ExpectNear(c, Multiply<double>(p, ta, tb, 1, beta), p, ta, tb);
      }
    }
  }
}

TEST(MatrixProducts, OverwriteWhatTheyDoNotAddTo) {
  for (const int n : {64, 260}) {
    const std::vector<float> ones(n * n, 1.f);
    std::vector<float> c(n * n, std::numeric_limits<float>::quiet_NaN());
    caffe::caffe_cpu_gemm<float>(CblasNoTrans, CblasNoTrans, n, n, n, 1.f, ones.data(), ones.data(),
                                 0.f, c.data());
    for (const float value : c) ASSERT_EQ(value, n);
  }
}

}  // namespace
}  // namespace caffe_test
