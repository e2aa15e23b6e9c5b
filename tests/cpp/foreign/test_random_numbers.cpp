// Random numbers have the distribution that was asked for, as far as a sample can tell.

#include <algorithm>
#include <cmath>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class RandomNumbers : public ::testing::Test {
 protected:
  static const int kSample = 20000;

  RandomNumbers() : a_(kSample), b_(kSample), flags_(kSample) { Caffe::set_random_seed(1701); }

  // How far the mean of the sample may be off: once in 10000 samples it is more.
  static double Margin(double deviation) { return 3.9 * deviation / std::sqrt(double(kSample)); }
  template <typename T>
  static void ExpectMean(const std::vector<T>& values, double mean, double deviation) {
    double sum = 0;
    for (const T value : values) sum += value;
    EXPECT_NEAR(mean, sum / kSample, Margin(deviation));
  }
  // The part of the values above a limit.
  template <typename T>
  static void ExpectAbove(const std::vector<T>& values, double limit, double part) {
    const auto above =
        std::count_if(values.begin(), values.end(), [=](T value) { return value > limit; });
    EXPECT_NEAR(part, double(above) / kSample, Margin(std::sqrt(part * (1 - part)))) << limit;
  }

  std::vector<Dtype> a_, b_;
  std::vector<int> flags_;
};
TYPED_TEST_SUITE(RandomNumbers, FloatAndDouble, );

TYPED_TEST(RandomNumbers, Gaussian) {
  for (const double mean : {0., -2.}) {
    for (const double deviation : {1., 3.}) {
      caffe_rng_gaussian<TypeParam>(this->kSample, mean, deviation, &this->a_[0]);
      this->ExpectMean(this->a_, mean, deviation);
      this->ExpectAbove(this->a_, mean, 0.5);
      this->ExpectAbove(this->a_, mean + deviation, 0.1587);
      this->ExpectAbove(this->a_, mean - 2 * deviation, 0.9772);
    }
  }
}

TYPED_TEST(RandomNumbers, Uniform) {
  for (const double low : {0., -7.25}) {
    const double high = low + 5;
    caffe_rng_uniform<TypeParam>(this->kSample, low, high, &this->a_[0]);
    this->ExpectMean(this->a_, (low + high) / 2, 5 / std::sqrt(12.));
    for (const double part : {0.1, 0.5, 0.75}) {
      this->ExpectAbove(this->a_, high - 5 * part, part);
    }
    EXPECT_GE(*std::min_element(this->a_.begin(), this->a_.end()), TypeParam(low));
    EXPECT_LE(*std::max_element(this->a_.begin(), this->a_.end()), TypeParam(high));
  }
}

TYPED_TEST(RandomNumbers, Bernoulli) {
  for (const double p : {0.1, 0.5, 0.9}) {
    caffe_rng_bernoulli<TypeParam>(this->kSample, p, &this->flags_[0]);
    this->ExpectMean(this->flags_, p, std::sqrt(p * (1 - p)));
    for (const int flag : this->flags_) ASSERT_EQ(flag, flag != 0);
  }
}

TYPED_TEST(RandomNumbers, DoNotDependOnThoseBefore) {
  caffe_rng_gaussian<TypeParam>(this->kSample, 0, 1, &this->a_[0]);
  caffe_rng_gaussian<TypeParam>(this->kSample, 0, 1, &this->b_[0]);
  EXPECT_NE(this->a_, this->b_);
  std::vector<TypeParam> products(this->kSample), neighbours(this->kSample);
  caffe_mul(this->kSample, &this->a_[0], &this->b_[0], &products[0]);
  caffe_mul(this->kSample - 1, &this->a_[0], &this->a_[1], &neighbours[0]);
  this->ExpectMean(products, 0, 1);
  this->ExpectMean(neighbours, 0, 1);
  // Half of what passes one coin passes another, too.
  std::vector<int> other(this->kSample);
  caffe_rng_bernoulli<TypeParam>(this->kSample, 0.5, &this->flags_[0]);
  caffe_rng_bernoulli<TypeParam>(this->kSample, 0.3, &other[0]);
  for (int i = 0; i < this->kSample; ++i) other[i] &= this->flags_[i];
  this->ExpectMean(other, 0.15, std::sqrt(0.15 * 0.85));
}

TYPED_TEST(RandomNumbers, RepeatWithTheSeed) {
  for (std::vector<TypeParam>* values : {&this->a_, &this->b_}) {
    Caffe::set_random_seed(7);
    caffe_rng_uniform<TypeParam>(this->kSample / 2, 0, 1, &(*values)[0]);
    caffe_rng_gaussian<TypeParam>(this->kSample / 2, 0, 1, &(*values)[this->kSample / 2]);
  }
  EXPECT_EQ(this->a_, this->b_);
}

}  // namespace caffe
