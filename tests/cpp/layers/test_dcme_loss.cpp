#include <cmath>
#include <limits>

#include <omp.h>

#include "dcme_layers.hpp"

namespace dcme_test {
namespace {

// Equation 6 as printed, evaluated in long double; it overflows nowhere near the errors used.
double clipped(double error, double amplitude) {
  const long double x = error;
  return static_cast<double>(amplitude * (1 / (1 + std::exp(-x)) - 0.5L));
}

template <typename Dtype>
LayerCase<Dtype> loss_of(const std::vector<Dtype>& prediction, const std::vector<Dtype>& target,
                         const std::string& own, const std::string& text = "") {
  LayerCase<Dtype> loss(layer_parameter("DCMELoss", own, text));
  const int columns = static_cast<int>(prediction.size()) / 4;
  loss.Bottom({2, 2, 1, columns}, prediction);
  loss.Bottom({2, 2, 1, columns}, target);
  return loss;
}

template <typename Dtype>
std::vector<Dtype> errors() {
  return {0, Dtype(0.25), -1, 3, 20, -7, Dtype(-0.001), 90, Dtype(1e-6), -40, 2, -2};
}

template <typename Dtype>
class DCMELoss : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(DCMELoss, Precisions);

TYPED_TEST(DCMELoss, ReportsHalfTheMeanOfTheUnclippedSquares) {
  const std::vector<TypeParam> e = errors<TypeParam>();
  auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 4");
  double sum = 0;
  for (const double x : e) sum += x * x;
  EXPECT_NEAR(loss.Forward(), sum / (2 * e.size()), 1e-4);
}

TYPED_TEST(DCMELoss, GradientOfEachOutputIsItsOwnClippedError) {
  const std::vector<TypeParam> e = errors<TypeParam>();
  for (const double amplitude : {1., 2., 4., 7.5}) {
    auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0),
                                   "amplitude: " + std::to_string(amplitude));
    loss.Forward();
    loss.Backward();
    for (size_t i = 0; i < e.size(); ++i) {
      const double expected = clipped(e[i], amplitude);
      EXPECT_NEAR(loss.bottom[0]->cpu_diff()[i], expected, 2e-6 * std::abs(expected) + 1e-12);
    }
  }
}

TYPED_TEST(DCMELoss, WithoutAmplitudeTheGradientIsTheError) {
  const std::vector<TypeParam> e = errors<TypeParam>();
  auto loss = loss_of<TypeParam>(std::vector<TypeParam>(e.size(), 0), e, "");
  loss.Forward();
  loss.Backward();
  for (size_t i = 0; i < e.size(); ++i) EXPECT_EQ(loss.bottom[0]->cpu_diff()[i], -e[i]);
}

TYPED_TEST(DCMELoss, SaturatesForErrorsAsLargeAsNumbersGet) {
  const TypeParam most = std::numeric_limits<TypeParam>::max();
  const TypeParam inf = std::numeric_limits<TypeParam>::infinity();
  const std::vector<TypeParam> e = {most, -most, 1000, -1000, inf, -inf, most / 2, -most / 2};
  auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 4");
  loss.Forward();
  loss.Backward();
  for (size_t i = 0; i < e.size(); ++i) {
    EXPECT_EQ(loss.bottom[0]->cpu_diff()[i], std::copysign(TypeParam(2), e[i]));
  }
}

TYPED_TEST(DCMELoss, OppositeExtremesDoNotBreakTheGradient) {
  const TypeParam most = std::numeric_limits<TypeParam>::max();
  auto loss = loss_of<TypeParam>({most, -most, 0, 0}, {-most, most, 0, 0}, "amplitude: 4");
  loss.Forward();
  loss.Backward();
  EXPECT_EQ(loss.bottom[0]->cpu_diff()[0], 2);
  EXPECT_EQ(loss.bottom[0]->cpu_diff()[1], -2);
}

TEST(DCMELossFloat, LossOfLargeFloatErrorsStaysFinite) {
  auto loss = loss_of<float>({1e20f, 0, 0, 0}, {0, 0, 0, 0}, "amplitude: 4");
  loss.layer->SetUp(loss.bottom, loss.top);
  EXPECT_TRUE(std::isinf(loss.layer->Forward(loss.bottom, loss.top)));  // 1e40 is no float
  loss.bottom[0]->mutable_cpu_data()[0] = 1e19f;
  EXPECT_NEAR(loss.layer->Forward(loss.bottom, loss.top), 1e38f / 8, 1e32f);
  for (int i = 0; i < 4; ++i) loss.bottom[0]->mutable_cpu_data()[i] = 1.2e19f;
  // The sum of these squares is no float, either.
  EXPECT_NEAR(loss.layer->Forward(loss.bottom, loss.top), 1.44e38f / 2, 1e32f);
}

TYPED_TEST(DCMELoss, NormalizationDividesByNothingByTheImagesOrByTheOutputs) {
  const std::vector<TypeParam> e = errors<TypeParam>();
  const std::vector<std::pair<std::string, double>> cases = {
      {"NONE", 1}, {"BATCH", 2}, {"FULL", double(e.size())}};
  for (const auto& c : cases) {
    auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0),
                                   "amplitude: 4 normalization: " + c.first, "loss_weight: 3");
    loss.Forward();
    loss.Backward();
    EXPECT_NEAR(loss.bottom[0]->cpu_diff()[3], 3 * clipped(3, 4) / c.second, 1e-6) << c.first;
  }
}

TYPED_TEST(DCMELoss, UnclippedAndFullyNormalizedTheGradientIsThatOfTheLoss) {
  const std::vector<TypeParam> e = {1, -2, 3, TypeParam(0.5), 0, 1, 5, -1};
  auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 1), "normalization: FULL");
  loss.Forward();
  loss.Backward();
  const TypeParam step = TypeParam(1e-2);
  for (size_t i = 0; i < e.size(); ++i) {
    const auto forward_at = [&](TypeParam value) {
      loss.bottom[0]->mutable_cpu_data()[i] = value;
      return loss.layer->Forward(loss.bottom, loss.top);
    };
    const double above = forward_at(e[i] + step);
    const double below = forward_at(e[i] - step);
    loss.bottom[0]->mutable_cpu_data()[i] = e[i];
    EXPECT_NEAR(loss.bottom[0]->cpu_diff()[i], (above - below) / (2 * step), 1e-4);
  }
}

TYPED_TEST(DCMELoss, AnEmptyBatchHasNoLoss) {
  LayerCase<TypeParam> loss(layer_parameter("DCMELoss", "normalization: FULL"));
  for (int b = 0; b < 2; ++b) loss.Bottom({0, 2, 3, 3}, {});
  EXPECT_EQ(loss.Forward(), 0);
  loss.Backward();
}

TYPED_TEST(DCMELoss, TargetGetsTheOppositeGradient) {
  const std::vector<TypeParam> e = errors<TypeParam>();
  auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 4");
  loss.Forward();
  loss.bottom[1]->mutable_cpu_diff()[0] = 5;
  loss.Backward();
  EXPECT_EQ(loss.bottom[1]->cpu_diff()[0], 5) << "nobody asked for it";
  loss.Backward({}, {true, true});
  for (size_t i = 0; i < e.size(); ++i) {
    EXPECT_EQ(loss.bottom[1]->cpu_diff()[i], -loss.bottom[0]->cpu_diff()[i]);
  }
}

TYPED_TEST(DCMELoss, PixelWeightsScaleBothChannelsAndZeroHidesNaN) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  auto loss = loss_of<TypeParam>({1, nan, 1, nan, 2, 2, 2, 2}, std::vector<TypeParam>(8, 0),
                                 "amplitude: 4");
  loss.Bottom({2, 1, 1, 2}, {1, 0, 3, 1});
  EXPECT_NEAR(loss.Forward(), (1 + 1 + 3 * 4 + 4 + 3 * 4 + 4) / 16.0, 1e-6);
  loss.Backward();
  const TypeParam* diff = loss.bottom[0]->cpu_diff();
  EXPECT_EQ(diff[1], 0);
  EXPECT_EQ(diff[3], 0);
  EXPECT_NEAR(diff[4], 3 * clipped(2, 4), 1e-5);
  EXPECT_NEAR(diff[5], clipped(2, 4), 1e-5);
  EXPECT_EQ(diff[6], diff[4]);
}

TYPED_TEST(DCMELoss, EachOutputMeetsItsWeightInPlanesOfAnySize) {
  // With a weight a pixel or one an output; a GPU reads several at once where planes allow it.
  for (const int columns : {1, 4, 5, 2048, 5000}) {
    for (const int channels : {1, 2}) {
      std::vector<TypeParam> e(4 * columns), weights(2 * channels * columns);
      for (size_t i = 0; i < e.size(); ++i) e[i] = static_cast<TypeParam>(std::sin(0.37 * i) * 9);
      for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<TypeParam>(i % 7);
      auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 4");
      loss.Bottom({2, channels, 1, columns}, weights);
      const auto weight_of = [&](size_t i) -> double {
        const size_t image = i / (2 * columns), place = i % (2 * columns);
        return weights[image * channels * columns + place % (channels * columns)];
      };
      double sum = 0;
      for (size_t i = 0; i < e.size(); ++i) sum += weight_of(i) * e[i] * e[i];
      EXPECT_NEAR(loss.Forward(), sum / (2 * e.size()), 1e-5 * sum / e.size());
      loss.Backward();
      for (size_t i = 0; i < e.size(); ++i) {
        const double expected = weight_of(i) * clipped(e[i], 4);
        ASSERT_NEAR(loss.bottom[0]->cpu_diff()[i], expected, 3e-6 * std::abs(expected)) << i;
      }
    }
  }
}

TYPED_TEST(DCMELoss, WeightsOfOneChangeNothing) {
  const std::vector<TypeParam> e = errors<TypeParam>();
  auto plain = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 2");
  auto weighted = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 2");
  weighted.Bottom({2, 2, 1, 3}, std::vector<TypeParam>(e.size(), 1));
  // Sums of the same numbers, in another order.
  EXPECT_FLOAT_EQ(plain.Forward(), weighted.Forward());
}

TYPED_TEST(DCMELoss, DoesNotDependOnTheNumberOfThreads) {
  std::vector<TypeParam> e(4 * 30011);
  for (size_t i = 0; i < e.size(); ++i) e[i] = static_cast<TypeParam>(std::sin(0.37 * i) * 9);
  auto loss = loss_of<TypeParam>(e, std::vector<TypeParam>(e.size(), 0), "amplitude: 4");
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const TypeParam alone = loss.Forward();
  for (const int n : {2, 3, 7}) {
    omp_set_num_threads(n);
    EXPECT_EQ(loss.layer->Forward(loss.bottom, loss.top), alone);
  }
  omp_set_num_threads(threads);
}

TEST(DCMELossFloat, TakesAsManyNumbersAsAnIntCounts) {
  Blob<float> prediction(1, 1, 1, std::numeric_limits<int>::max()), loss;
  const auto layer = caffe::LayerRegistry<float>::CreateLayer(layer_parameter("DCMELoss", ""));
  // Takes no memory for them: nobody reads any.
  EXPECT_NO_THROW(layer->SetUp({&prediction, &prediction}, {&loss}));
}

TEST(DCMELossErrors, NameTheShapesThatDiffer) {
  LayerCase<float> loss(layer_parameter("DCMELoss", ""));
  loss.Bottom({1, 2, 2, 2}, {});
  loss.Bottom({1, 2, 2, 3}, {});
  EXPECT_ERROR_NAMES(loss.Forward(), "1 2 2 2 (8) but the target 1 2 2 3 (12)");
}

TEST(DCMELossErrors, RefuseAnAmplitudeBelowZeroAndOddWeights) {
  auto loss = loss_of<float>({1, 1, 1, 1}, {0, 0, 0, 0}, "amplitude: -1");
  EXPECT_ERROR_NAMES(loss.Forward(), "amplitude");
  auto weighted = loss_of<float>({1, 1, 1, 1}, {0, 0, 0, 0}, "");
  weighted.Bottom({1, 1, 1, 1}, {1});
  EXPECT_ERROR_NAMES(weighted.Forward(), "weights");
}

TEST(DCMELossErrors, WeightsHaveNoGradient) {
  auto loss = loss_of<float>({1, 1, 1, 1}, {0, 0, 0, 0}, "");
  loss.Bottom({2, 1, 1, 1}, {1, 1});
  loss.Forward();
  const std::vector<bool> all(3, true);
  EXPECT_ERROR_NAMES(loss.layer->Backward(loss.top, all, loss.bottom), "propagate_down: false");
}

TEST(DCMELossErrors, TextParametersAreAnsweredWithThePlaceOfTheMistake) {
  caffe::LayerParameter parameter;
  parameter.set_type("DCMELoss");
  parameter.mutable_python_param()->set_param_str("amplitude: 4\nnormalisation: NONE");
  LayerCase<float> loss(parameter);
  loss.Bottom({1, 1, 1, 1}, {1});
  loss.Bottom({1, 1, 1, 1}, {1});
  EXPECT_ERROR_NAMES(loss.Forward(), "line 2, column");
}

}  // namespace
}  // namespace dcme_test
