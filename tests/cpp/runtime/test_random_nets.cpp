// Nets that nobody thought of: whatever layers meet, and whatever they fuse, free, make again or
// keep in orders of their own, the results are those of the plain layers in double.

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "as_large.hpp"
#include "caffe/net.hpp"
#include "in_mode.hpp"
#include "random_net.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Caffe;
using Values = std::vector<double>;

template <typename Dtype>
Values ValuesOf(const Dtype* from, int count) {
  return Values(from, from + count);
}

double Norm(const Values& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

/// A net, and what a pass over it gives.
template <typename Dtype>
class NetRun {
 public:
  explicit NetRun(const caffe::NetParameter& param) : net_(param) {}

  /// Takes over parameters, rounded to float and multiplied.
  template <typename Other>
  void TakeParameters(const NetRun<Other>& from, float factor) {
    for (size_t i = 0; i < net_.params().size(); ++i) {
      const Other* other = from.net_.params()[i]->cpu_data();
      Dtype* own = net_.params()[i]->mutable_cpu_data();
      for (int k = 0; k < net_.params()[i]->count(); ++k) own[k] = factor * float(other[k]);
    }
  }

  /// Results of a pass over an input that `number` chooses, with `images` images: the outputs, in
  /// phase TRAIN the gradients of the parameters and of the input.
  std::vector<Values> Pass(unsigned number, int images) {
    Blob<Dtype>* input = net_.input_blobs()[0];
    std::vector<int> shape = input->shape();
    shape[0] = images;
    input->Reshape(shape);
    std::mt19937 random(number);
    Dtype* data = input->mutable_cpu_data();
    for (int i = 0; i < input->count(); ++i) data[i] = Dtype(int(random() % 4001) - 2000) / 1000;
    return net_.phase() == caffe::TRAIN ? Gradients(number % 2) : Outputs();
  }

 private:
  template <typename Other>
  friend class NetRun;

  std::vector<Values> Outputs() {
    net_.Forward();
    std::vector<Values> results;
    for (const Blob<Dtype>* blob : net_.output_blobs()) {
      results.push_back(ValuesOf(blob->cpu_data(), blob->count()));
    }
    return results;
  }

  std::vector<Values> Gradients(bool in_one_go) {
    net_.ClearParamDiffs();
    if (in_one_go) {
      net_.ForwardBackward();
    } else {
      net_.Forward();
      net_.Backward();
    }
    std::vector<Values> results;
    for (const Blob<Dtype>* blob : net_.learnable_params()) {
      results.push_back(ValuesOf(blob->cpu_diff(), blob->count()));
    }
    results.push_back(ValuesOf(net_.input_blobs()[0]->cpu_diff(), net_.input_blobs()[0]->count()));
    return results;
  }

  caffe::Net<Dtype> net_;
};

/// The largest distance of two results, as a part of the results' norm. Beside the others small
/// gradients are measured by the largest: those of a bias in front of BatchNorm are nothing but
/// what rounding leaves.
double Distance(const std::vector<Values>& got, const std::vector<Values>& expected) {
  double largest = 1e-3, distance = 0;
  for (const Values& values : expected) largest = std::max(largest, Norm(values));
  for (size_t i = 0; i < expected.size(); ++i) {
    if (got[i].size() != expected[i].size()) return HUGE_VAL;
    Values difference = got[i];
    for (size_t k = 0; k < difference.size(); ++k) difference[k] -= expected[i][k];
    const double part = Norm(difference) / (Norm(expected[i]) + 0.02 * largest);
    if (!(part <= distance)) distance = part;  // not a number stays
  }
  return distance;
}

/// The largest distance between the net as commands run it and the plain one in double, in four
/// passes: other inputs, other numbers of images, other weights.
double DistanceToPlain(unsigned number, caffe::Phase phase, caffe::Precision precision) {
  caffe::NetParameter param = RandomNet(number, phase);
  const auto on_cpu = [](const auto& run) {
    const InMode in_cpu_mode(Caffe::CPU);
    return run();
  };
  Caffe::set_random_seed(number);
  const auto plain = on_cpu([&] { return std::make_unique<NetRun<double>>(param); });
  param.set_precision(precision);
  param.set_blob_lifetime(phase == caffe::TRAIN ? caffe::NetParameter::UNTIL_BACKWARD
                                                : caffe::NetParameter::UNTIL_READ);
  NetRun<float> fast(param);
  double distance = 0;
  for (int pass = 0; pass < 4; ++pass) {
    const int images = 1 + (number + pass / 2) % 3;
    if (pass % 3 == 0) {
      fast.TakeParameters(*plain, pass == 0 ? 1 : 0.75f);
      plain->TakeParameters(fast, 1);
    }
    const auto expected = on_cpu([&] { return plain->Pass(number + pass, images); });
    distance = std::max(distance, Distance(fast.Pass(number + pass, images), expected));
  }
  return distance;
}

constexpr unsigned kNets = 50;

class RandomNets : public ::testing::TestWithParam<std::tuple<caffe::Phase, bool>> {
 protected:
  RandomNets() {
    if (std::get<1>(GetParam())) as_large_.emplace();
  }
  static caffe::Phase phase() { return std::get<0>(GetParam()); }

 private:
  std::optional<AsLarge> as_large_;
};

INSTANTIATE_TEST_SUITE_P(, RandomNets,
                         ::testing::Combine(::testing::Values(caffe::TRAIN, caffe::TEST),
                                            ::testing::Bool()),
                         [](const auto& info) {
                           return caffe::Phase_Name(std::get<0>(info.param)) +
                                  (std::get<1>(info.param) ? "AsLarge" : "");
                         });

// Rounding moves values from one side of a ReLU or a maximum to the other: a distance of 1e-3 is
// that of one such value among very many.
TEST_P(RandomNets, ComputeWhatPlainLayersDo) {
  for (unsigned number = 0; number < kNets; ++number) {
    const double distance = DistanceToPlain(number, phase(), caffe::FP32);
    EXPECT_LT(distance, 0.02) << "net " << number << ":\n"
                              << RandomNet(number, phase()).DebugString();
  }
}

// In few nets rounding to 8 bits makes the gradients of small nets others altogether.
TEST_P(RandomNets, ComputeNearlyThatIn16Bits) {
  std::vector<double> distances;
  for (unsigned number = 0; number < kNets; ++number) {
    distances.push_back(DistanceToPlain(number, phase(), caffe::BF16));
  }
  std::sort(distances.begin(), distances.end());
  EXPECT_LT(distances[kNets / 2], 0.05);
  EXPECT_LT(distances[kNets * 9 / 10], 0.2);
}

}  // namespace
}  // namespace caffe_test
