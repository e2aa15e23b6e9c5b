#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "caffe/layers/dropout_layer.hpp"
#include "from_text.hpp"
#include "in_mode.hpp"
#include "layer_case.hpp"

namespace caffe_test {
namespace {

using Case = LayerCase<double>;

// Differentiable element-wise layers, with parameters that make every branch count.
const std::vector<std::string>& Functions() {
  static const std::vector<std::string> functions = {
      "type: 'AbsVal'",
      "type: 'BNLL'",
      "type: 'Clip' clip_param { min: -1 max: 1.3 }",
      "type: 'ELU' elu_param { alpha: 0.7 }",
      "type: 'ELU' elu_param { alpha: -0.7 }",
      "type: 'Exp' exp_param { base: 2 scale: 0.5 shift: -1 }",
      "type: 'Log' log_param { base: 3 scale: 0.5 shift: 2 }",
      "type: 'PReLU'",
      "type: 'PReLU' prelu_param { channel_shared: true }",
      "type: 'Power' power_param { power: 3 scale: 0.5 shift: 0.2 }",
      "type: 'Power' power_param { scale: -2 shift: 0.2 }",
      "type: 'ReLU'",
      "type: 'ReLU' relu_param { negative_slope: 0.2 }",
      "type: 'ReLU' relu_param { negative_slope: -0.5 }",
      "type: 'Sigmoid'",
      "type: 'Swish' swish_param { beta: 1.7 }",
      "type: 'TanH'",
  };
  return functions;
}

TEST(ElementwiseLayers, GiveTheSameInPlaceForwardAndBackward) {
  for (const std::string& function : Functions()) {
    Case apart(function), in_place(function);
    apart.Bottom({2, 5, 4}).Forward();
    in_place.Bottom({2, 5, 4}).InPlace().Forward();
    EXPECT_EQ(in_place.Values(), apart.Values()) << function;
    std::vector<double> diff(40);
    for (int i = 0; i < 40; ++i) diff[i] = i % 7 - 2.5;
    ExpectNear(in_place.Backward(diff).Diff(), apart.Backward(diff).Diff());
  }
}

TEST(ElementwiseLayers, DoNotOverflowWhereTheirValueIsFinite) {
  const std::vector<double> x = {-1e4, 1e4};
  const auto forward = [&](const std::string& type) {
    Case layer("type: '" + type + "'");
    layer.Bottom({2}, x).Forward();
    return layer.Values();
  };
  EXPECT_EQ(forward("Sigmoid"), (std::vector<double>{0, 1}));
  EXPECT_EQ(forward("TanH"), (std::vector<double>{-1, 1}));
  EXPECT_EQ(forward("BNLL"), (std::vector<double>{0, 1e4}));
  EXPECT_EQ(forward("ELU"), (std::vector<double>{-1, 1e4}));
  EXPECT_EQ(forward("Swish"), (std::vector<double>{0, 1e4}));
}

TEST(ElementwiseLayers, LetNotANumberThrough) {
  for (const std::string type : {"ReLU", "Sigmoid", "TanH", "ELU"}) {
    Case layer("type: '" + type + "'");
    layer.Bottom({1}, {std::numeric_limits<double>::quiet_NaN()}).Forward();
    EXPECT_TRUE(std::isnan(layer.Values()[0])) << type;
  }
}

TEST(PowerLayer, HasNoGradientWhereItIsConstant) {
  for (const std::string param : {"power: 0", "scale: 0 power: -1"}) {
    Case layer("type: 'Power' power_param { " + param + " }");
    layer.Bottom({2}, {0, 3}).Forward();
    EXPECT_EQ(layer.Backward({1, 1}).Diff(), (std::vector<double>{0, 0})) << param;
  }
}

TEST(PReLULayer, HasTheGradientOfNegativeValuesAtZero) {
  Case layer("type: 'PReLU' prelu_param { filler { value: 0.25 } }");
  layer.Bottom({1, 1, 3}, {-1, 0, 1}).Forward();
  EXPECT_EQ(layer.Backward({4, 4, 4}).Diff(), (std::vector<double>{1, 1, 4}));
}

TEST(ThresholdLayer, RefusesAGradient) {
  Case layer("type: 'Threshold'");
  layer.Bottom({2}).Forward();
  EXPECT_ERROR_NAMES(layer.Backward({1, 1}), "no gradient");
}

TEST(ElementwiseLayers, RefuseParametersWithoutMeaning) {
  const auto set_up = [](const std::string& text) { Case(text).Bottom({2}).Forward(); };
  EXPECT_ERROR_NAMES(set_up("type: 'Exp' exp_param { base: 0 }"), "exp_param.base");
  EXPECT_ERROR_NAMES(set_up("type: 'Log' log_param { base: 1 }"), "log_param.base");
  EXPECT_ERROR_NAMES(set_up("type: 'Clip' clip_param { min: 1 max: 0 }"), "clip_param.min");
  EXPECT_ERROR_NAMES(set_up("type: 'Dropout' dropout_param { dropout_ratio: 1 }"), "dropout_ratio");
  EXPECT_ERROR_NAMES(set_up("type: 'PReLU'"), "channel");
}

TEST(DropoutLayer, KeepsTheMeanAndPassesGradientsWhereItPassedValues) {
  caffe::Caffe::set_random_seed(3);
  const int n = 40000;
  Case layer("type: 'Dropout' phase: TRAIN dropout_param { dropout_ratio: 0.3 }");
  layer.Bottom({n}, std::vector<double>(n, 1)).Forward();
  const std::vector<double> y = layer.Values();
  double mean = 0;
  for (const double value : y) mean += value / n;
  EXPECT_NEAR(mean, 1, 0.02);
  EXPECT_EQ(layer.Backward(std::vector<double>(n, 1)).Diff(), y);
}

TEST(DropoutLayer, PassesGradientsWhereTheOtherDeviceHasPassedValues) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "for a GPU";
  for (const int n : {400, 401}) {
    Case layer("type: 'Dropout' phase: TRAIN");
    layer.Bottom({n}, std::vector<double>(n, 1)).Forward();
    const std::vector<double> of_gpu = layer.Values(), ones(n, 1);
    const InMode on_cpu(caffe::Caffe::CPU);
    EXPECT_EQ(layer.Backward(ones).Diff(), of_gpu);
    layer.Forward();
    const std::vector<double> of_cpu = layer.Values();
    EXPECT_NE(of_cpu, of_gpu);
    const InMode on_gpu(caffe::Caffe::GPU);
    EXPECT_EQ(layer.Backward(ones).Diff(), of_cpu);
  }
}

TEST(ElementwiseLayers, TakeMemoryThatIsLentAtAnyPlace) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "for a GPU";
  // From Caffe 1.0 on, a part of a larger array may be a blob's memory.
  for (const std::string type : {"'ReLU'", "'Dropout' phase: TRAIN"}) {
    caffe::Blob<float> array(std::vector<int>{9}), bottom(std::vector<int>{8}), top;
    for (int i = 0; i < 9; ++i) array.mutable_cpu_data()[i] = i;
    bottom.set_gpu_data(array.mutable_gpu_data() + 1);
    const auto layer =
        caffe::LayerRegistry<float>::CreateLayer(FromText<caffe::LayerParameter>("type: " + type));
    layer->SetUp({&bottom}, {&top});
    layer->Forward({&bottom}, {&top});
    for (int i = 0; i < 8; ++i) {
      const float y = top.cpu_data()[i];
      EXPECT_TRUE(y == i + 1 || (type != "'ReLU'" && (y == 0 || y == 2 * (i + 1)))) << type << i;
    }
  }
}

// Drops every second element, on the host.
class EverySecondDropout : public caffe::DropoutLayer<double> {
 public:
  using DropoutLayer::DropoutLayer;

 protected:
  using Blobs = std::vector<Blob<double>*>;
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    for (int i = 0; i < bottom[0]->count(); ++i) {
      rand_vec_.mutable_cpu_data()[i] = i % 2;
      top[0]->mutable_cpu_data()[i] = bottom[0]->cpu_data()[i] * (i % 2) * scale_;
    }
  }
  void Forward_gpu(const Blobs& bottom, const Blobs& top) override { Forward_cpu(bottom, top); }
};

TEST(DropoutLayer, PassesGradientsWhereADerivedClassHasPassedValues) {
  Case layer("type: 'Dropout' phase: TRAIN");
  layer.layer.reset(new EverySecondDropout(layer.layer->layer_param()));
  layer.Bottom({4}).Forward();
  ExpectNear(layer.Backward({1, 2, 3, 4}).Diff(), {0, 4, 0, 8});
}

TEST(DropoutLayer, DropsTheSameElementsForASeedAndOthersTheNextTime) {
  Case one("type: 'Dropout' phase: TRAIN"), other("type: 'Dropout' phase: TRAIN");
  caffe::Caffe::set_random_seed(3);
  one.Bottom({99999}).Forward();
  caffe::Caffe::set_random_seed(3);
  other.Bottom({99999}).Forward();
  EXPECT_EQ(one.Values(), other.Values());
  other.Forward();
  EXPECT_NE(one.Values(), other.Values());
}

TEST(DropoutLayer, DoesNothingInTestPhase) {
  Case layer("type: 'Dropout' phase: TEST");
  layer.Bottom({3}, {1, -2, 3}).Forward();
  EXPECT_EQ(layer.Values(), (std::vector<double>{1, -2, 3}));
}

TEST(DropoutLayer, DropsInTestPhaseWhereAskedTo) {
  const int n = 40000;
  const auto values = [&](const std::string& phase) {
    Case layer("type: 'Dropout' dropout_param { sample_weights_test: true } phase: " + phase);
    caffe::Caffe::set_random_seed(3);
    layer.Bottom({n}, std::vector<double>(n, 1)).Forward();
    const std::vector<double> y = layer.Values();
    EXPECT_EQ(layer.Backward(std::vector<double>(n, 1)).Diff(), y);
    return y;
  };
  EXPECT_EQ(values("TEST"), values("TRAIN"));
}

}  // namespace
}  // namespace caffe_test
