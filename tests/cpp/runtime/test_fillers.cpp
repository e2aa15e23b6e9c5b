// The first values of parameters: bounds, moments and sums that each filler promises.

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/util/io.hpp"
#include "errors.hpp"
#include "runtime/blob_values.hpp"

using caffe::Blob;

namespace {

std::vector<float> Filled(const std::string& filler, const std::vector<int>& shape) {
  caffe::FillerParameter param;
  caffe::ParseProtoTextOrDie(filler, "filler", &param);
  Blob<float> blob(shape);
  caffe::Caffe::set_random_seed(3);
  std::unique_ptr<caffe::Filler<float>>(caffe::GetFiller<float>(param))->Fill(&blob);
  return caffe_test::ValuesOf(blob);
}

double Mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / values.size();
}

double Deviation(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += std::pow(value - Mean(values), 2);
  return std::sqrt(sum / values.size());
}

const std::vector<int> kWeights = {50, 20, 3, 3};

}  // namespace

TEST(Fillers, OfARangeReachItsEnds) {
  const std::vector<float> values = Filled("type: 'uniform' min: 2 max: 5", kWeights);
  const auto ends = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*ends.first, 2);
  EXPECT_LE(*ends.first, 2.01);
  EXPECT_GE(*ends.second, 4.99);
  EXPECT_LE(*ends.second, 5);
  EXPECT_NEAR(Mean(values), 3.5, 0.05);
}

TEST(Fillers, OfANormalDistributionHaveItsMoments) {
  const std::vector<float> values = Filled("type: 'gaussian' mean: -2 std: 0.5", kWeights);
  EXPECT_NEAR(Mean(values), -2, 0.02);
  EXPECT_NEAR(Deviation(values), 0.5, 0.02);
}

TEST(Fillers, KeepAsManyOutputsOfAnInputAsSparseSays) {
  const auto kept = [](const std::string& sparse) {
    const std::vector<float> values = Filled("type: 'gaussian' sparse: " + sparse, kWeights);
    return static_cast<double>(values.size() - std::count(values.begin(), values.end(), 0));
  };
  EXPECT_EQ(kept("-1"), 9000);
  EXPECT_EQ(kept("0"), 0);
  EXPECT_NEAR(kept("10"), 9000 * 10 / 50, 150);
  EXPECT_ERROR_NAMES(kept("-2"), "no number of outputs to keep");
  EXPECT_EQ(kept("50"), 9000);
  EXPECT_ERROR_NAMES(kept("51"), "sparse: 51 is more than the 50 outputs; give at most 50");
  for (const char* type :
       {"constant", "uniform", "positive_unitball", "xavier", "msra", "bilinear"}) {
    const std::string filler = std::string("type: '") + type + "' sparse: 1";
    EXPECT_ERROR_NAMES(Filled(filler, kWeights), "filler has no `sparse`");
  }
}

TEST(Fillers, OfPositiveUnitballsSumToOneForEachOutput) {
  const std::vector<float> values = Filled("type: 'positive_unitball'", {4, 3, 5});
  EXPECT_GT(*std::min_element(values.begin(), values.end()), 0);
  EXPECT_NE(values[0], values[1]);
  for (int output = 0; output < 4; ++output) {
    const auto row = values.begin() + 15 * output;
    EXPECT_NEAR(15 * Mean(std::vector<float>(row, row + 15)), 1, 1e-5);
  }
}

TEST(Fillers, TakeTheFanThatVarianceNormChooses) {
  struct Case {
    const char* norm;
    std::vector<int> shape;
    double fan;
  };
  // 20 x 3 x 3 inputs of an output, 50 x 3 x 3 outputs of an input.
  const Case cases[] = {{"", kWeights, 180},
                        {"variance_norm: FAN_IN", kWeights, 180},
                        {"variance_norm: FAN_OUT", kWeights, 450},
                        {"variance_norm: AVERAGE", kWeights, 315},
                        {"variance_norm: FAN_IN", {9000}, 1},
                        {"variance_norm: FAN_OUT", {9000}, 9000}};
  for (const Case& one : cases) {
    const std::string norm = one.norm;
    const double bound = std::sqrt(3 / one.fan);
    const std::vector<float> uniform = Filled("type: 'xavier' " + norm, one.shape);
    const auto ends = std::minmax_element(uniform.begin(), uniform.end());
    EXPECT_NEAR(*ends.first / bound, -1, 0.005) << norm;
    EXPECT_NEAR(*ends.second / bound, 1, 0.005) << norm;
    const std::vector<float> normal = Filled("type: 'msra' " + norm, one.shape);
    const double deviation = std::sqrt(2 / one.fan);
    EXPECT_NEAR(Deviation(normal) / deviation, 1, 0.03) << norm;
    EXPECT_NEAR(Mean(normal) / deviation, 0, 0.04) << norm;
  }
}

TEST(Fillers, OfBilinearKernelsAreTents) {
  const std::vector<std::vector<float>> tents = {
      {1}, {0.25f, 0.75f, 0.75f, 0.25f}, {1 / 3.f, 2 / 3.f, 1, 2 / 3.f, 1 / 3.f}};
  for (const std::vector<float>& tent : tents) {
    const int size = static_cast<int>(tent.size());
    const std::vector<float> values = Filled("type: 'bilinear'", {2, 3, size, size});
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], tent[i % size] * tent[i / size % size], 1e-6);
    }
  }
  EXPECT_ERROR_NAMES(Filled("type: 'bilinear'", {2, 3, 4}), "for 4-D weights");
  EXPECT_ERROR_NAMES(Filled("type: 'bilinear'", {2, 3, 4, 5}), "for square kernels");
}

TEST(Fillers, RefuseInfiniteRanges) {
  for (const char* bounds : {"min: -inf", "max: inf"}) {
    EXPECT_ERROR_NAMES(Filled(std::string("type: 'uniform' ") + bounds, {2}), "give finite bounds");
  }
}

TEST(Fillers, NeedSomethingToFillAndAKnownName) {
  for (const char* type :
       {"constant", "uniform", "gaussian", "positive_unitball", "xavier", "msra"}) {
    EXPECT_ERROR_NAMES(Filled(std::string("type: '") + type + "'", {0, 3}), "nothing to fill");
  }
  EXPECT_ERROR_NAMES(Filled("type: 'xaveir'", {1}), "'xaveir' (did you mean xavier");
}
