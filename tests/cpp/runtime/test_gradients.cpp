// Gradients of the element-wise, shape, loss and recurrent layers against differences.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gradient_check.hpp"

namespace caffe_test {
namespace {

// A normal number kept away from a kink.
double AwayFrom(double kink, double x) {
  return x > kink ? std::max(x, kink + 0.05) : std::min(x, kink - 0.05);
}

// Of random bottom 0, and bottoms of labels below `classes`.
GradientOptions Labelled(int classes) {
  GradientOptions options;
  options.bottoms = {0};
  options.values = [=](double x, int b, int i) { return b == 1 ? i * 7 % classes : x; };
  return options;
}

GradientOptions OfBottoms(std::vector<int> bottoms) {
  GradientOptions options;
  options.bottoms = bottoms;
  return options;
}

TEST(Gradients, OfElementwiseLayers) {
  struct Case {
    const char* text;
    double kink, other_kink;
  };
  const double none = 100;
  const Case cases[] = {
      {"type: 'AbsVal'", 0, none},
      {"type: 'BNLL'", none, none},
      {"type: 'Clip' clip_param { min: -0.6 max: 0.8 }", -0.6, 0.8},
      {"type: 'ELU' elu_param { alpha: 0.6 }", 0, none},
      {"type: 'Exp'", none, none},
      {"type: 'Exp' exp_param { base: 2 scale: 0.7 shift: 0.3 }", none, none},
      {"type: 'PReLU'", 0, none},
      {"type: 'PReLU' prelu_param { channel_shared: true }", 0, none},
      {"type: 'Power' power_param { power: 3 scale: 0.7 shift: 1 }", none, none},
      {"type: 'Power' power_param { power: 2 scale: 0.7 shift: 1 }", none, none},
      {"type: 'Power' power_param { scale: 0.7 shift: 1 }", none, none},
      {"type: 'ReLU'", 0, none},
      {"type: 'ReLU' relu_param { negative_slope: 0.3 }", 0, none},
      {"type: 'Sigmoid'", none, none},
      {"type: 'Swish' swish_param { beta: 1.4 }", none, none},
      {"type: 'TanH'", none, none},
      {"type: 'Dropout' dropout_param { dropout_ratio: 0.4 }", none, none},
  };
  for (const Case& c : cases) {
    for (const bool in_place : {false, true}) {
      GradientOptions options;
      options.in_place = in_place;
      options.values = [&](double x, int, int) {
        return AwayFrom(c.other_kink, AwayFrom(c.kink, x));
      };
      CheckGradient(c.text, {{2, 3, 4, 3}}, options);
      CheckGradient(c.text, {{5, 6}}, options);
    }
  }
}

TEST(Gradients, OfFunctionsOfPositiveNumbers) {
  GradientOptions options;
  options.values = [](double x, int, int) { return 0.5 + std::fabs(x); };
  for (const bool in_place : {false, true}) {
    options.in_place = in_place;
    CheckGradient("type: 'Log'", {{2, 3, 4}}, options);
    CheckGradient("type: 'Log' log_param { base: 10 scale: 0.5 shift: 0.2 }", {{2, 3, 4}}, options);
    CheckGradient("type: 'Power' power_param { power: -1.5 shift: 0.2 }", {{2, 3, 4}}, options);
    CheckGradient("type: 'Power' power_param { power: 0.5 scale: 2 }", {{2, 3, 4}}, options);
  }
}

TEST(Gradients, OfSoftmax) {
  CheckGradient("type: 'Softmax'", {{3, 5}});
  CheckGradient("type: 'Softmax'", {{2, 4, 3, 2}});
  CheckGradient("type: 'Softmax' softmax_param { axis: 0 }", {{4, 3}});
  CheckGradient("type: 'Softmax' softmax_param { axis: -1 }", {{2, 3, 4}});
}

TEST(Gradients, OfSumsAndProducts) {
  const std::vector<int> shape = {2, 3, 4};
  for (const std::string op : {"", "coeff: 1 coeff: -0.5 coeff: 2", "operation: PROD",
                               "operation: MAX", "operation: PROD stable_prod_grad: false"}) {
    CheckGradient("type: 'Eltwise' eltwise_param { " + op + " }", {shape, shape, shape});
  }
  for (const std::string op : {"SUM", "ASUM", "SUMSQ", "MEAN"}) {
    for (const std::string axis : {"0", "1", "-1"}) {
      GradientOptions options;
      options.values = [](double x, int, int) { return AwayFrom(0, x); };
      const std::string param = "operation: " + op + " axis: " + axis + " coeff: 1.7";
      CheckGradient("type: 'Reduction' reduction_param { " + param + " }", {shape}, options);
    }
  }
}

TEST(Gradients, OfLayersThatMoveValues) {
  CheckGradient("type: 'Concat'", {{2, 3, 4}, {2, 1, 4}, {2, 2, 4}});
  CheckGradient("type: 'Concat' concat_param { axis: 0 }", {{2, 3, 4}, {1, 3, 4}});
  CheckGradient("type: 'Concat' concat_param { axis: -1 }", {{2, 3, 4}, {2, 3, 1}});
  GradientOptions two_tops;
  two_tops.tops = 2;
  CheckGradient("type: 'Slice'", {{2, 4, 3}}, two_tops);
  CheckGradient("type: 'Slice' slice_param { axis: 2 slice_point: 1 }", {{2, 4, 3}}, two_tops);
  CheckGradient("type: 'Split'", {{2, 4, 3}}, two_tops);
  CheckGradient("type: 'Tile' tile_param { tiles: 3 }", {{2, 4, 3}});
  CheckGradient("type: 'Tile' tile_param { tiles: 2 axis: 0 }", {{2, 4, 3}});
  CheckGradient("type: 'Crop' crop_param { offset: 1 offset: 2 }", {{2, 3, 5, 6}, {1, 1, 3, 4}},
                OfBottoms({0}));
  CheckGradient("type: 'Crop' crop_param { axis: 0 offset: 1 }", {{3, 4}, {2, 3}}, OfBottoms({0}));

  GradientOptions picked = OfBottoms({0});
  picked.values = [](double x, int b, int i) { return b == 1 ? i * 5 % 3 : x; };
  CheckGradient("type: 'BatchReindex'", {{3, 2, 2}, {5}}, picked);
  CheckGradient("type: 'Filter'", {{5, 2, 2}, {5}}, picked);
}

TEST(Gradients, OfLayersThatOnlyRename) {
  CheckGradient("type: 'Flatten'", {{2, 3, 4}});
  CheckGradient("type: 'Flatten' flatten_param { axis: 0 end_axis: 1 }", {{2, 3, 4}});
  CheckGradient("type: 'Reshape' reshape_param { shape { dim: 0 dim: -1 dim: 2 } }", {{2, 3, 4}});
  CheckGradient("type: 'Reshape' reshape_param { shape { dim: 6 } num_axes: 2 }", {{2, 3, 4}});
  GradientOptions no_top;
  no_top.tops = 0;
  CheckGradient("type: 'Silence'", {{2, 3}, {4}}, no_top);
}

TEST(Gradients, OfLayersWithoutADifferentiableBottom) {
  CheckGradient("type: 'Parameter' parameter_param { shape { dim: 2 dim: 3 } }", {});
  GradientOptions indices;
  indices.check_bottoms = false;
  indices.values = [](double, int, int i) { return i * 5 % 4; };
  CheckGradient("type: 'Embed' embed_param { num_output: 3 input_dim: 4 }", {{2, 3}}, indices);
  CheckGradient("type: 'Embed' embed_param { num_output: 3 input_dim: 4 bias_term: false }", {{6}},
                indices);
}

TEST(Gradients, OfClassLosses) {
  CheckGradient("type: 'SoftmaxWithLoss'", {{4, 5}, {4}}, Labelled(5));
  CheckGradient("type: 'SoftmaxWithLoss' loss_weight: 0.3", {{2, 3, 4, 3}, {2, 4, 3}}, Labelled(3));
  for (const std::string norm : {"FULL", "VALID", "BATCH_SIZE", "NONE"}) {
    const std::string param = "loss_param { ignore_label: 1 normalization: " + norm + " }";
    CheckGradient("type: 'SoftmaxWithLoss' " + param, {{2, 3, 2, 3}, {2, 2, 3}}, Labelled(3));
  }
  CheckGradient(
      "type: 'SoftmaxWithLoss' loss_param { class_weighting: 2 class_weighting: 0.3 "
      "class_weighting: 1 ignore_label: 2 }",
      {{2, 3, 2, 3}, {2, 2, 3}}, Labelled(3));
  CheckGradient("type: 'SoftmaxWithLoss' loss_param { weight_by_label_freqs: true }",
                {{2, 3, 2, 5}, {2, 2, 5}}, Labelled(3));
  CheckGradient("type: 'InfogainLoss'", {{4, 3, 2}, {4, 2}, {3, 3}}, Labelled(3));
  CheckGradient(
      "type: 'InfogainLoss' infogain_loss_param { axis: 2 } loss_param { ignore_label: 1 }",
      {{2, 3, 4}, {2, 3}, {4, 4}}, Labelled(4));
  CheckGradient("type: 'HingeLoss'", {{4, 5}, {4}}, Labelled(5));
  CheckGradient("type: 'HingeLoss' hinge_loss_param { norm: L2 }", {{4, 5}, {4}}, Labelled(5));

  GradientOptions probabilities = Labelled(5);
  probabilities.values = [](double x, int b, int i) {
    return b == 1 ? i * 7 % 5 : 0.1 + 0.8 / (1 + std::exp(x));
  };
  CheckGradient("type: 'MultinomialLogisticLoss'", {{4, 5}, {4}}, probabilities);
}

TEST(Gradients, OfRegressionLosses) {
  CheckGradient("type: 'EuclideanLoss' loss_weight: 0.4", {{3, 2, 4}, {3, 2, 4}});
  // With one group of channels the geometric loss is the Euclidean one.
  CheckGradient("type: 'GeometricLoss' geometric_loss_param { num_dim: 2 }",
                {{3, 2, 4}, {3, 2, 4}});
  GradientOptions targets = OfBottoms({0});
  targets.values = [](double x, int b, int i) {
    return b == 0 ? x : i % 5 == 0 ? -1 : 1 / (1 + std::exp(x));
  };
  for (const std::string param : {"", "normalization: VALID", "ignore_label: -1 normalize: true"}) {
    CheckGradient("type: 'SigmoidCrossEntropyLoss' loss_param { " + param + " }", {{3, 5}, {3, 5}},
                  targets);
  }
  GradientOptions pairs = OfBottoms({0, 1});
  // The gradient's guard against coinciding vectors is worth 1e-4 of it.
  pairs.tolerance = 1e-3;
  pairs.values = [](double x, int b, int i) { return b == 2 ? i % 2 : x; };
  for (const std::string legacy : {"false", "true"}) {
    CheckGradient("type: 'ContrastiveLoss' contrastive_loss_param { margin: 4 legacy_version: " +
                      legacy + " }",
                  {{6, 3}, {6, 3}, {6}}, pairs);
  }
}

// Sequences that begin at the first step and, one of them, again at the third: nothing goes over
// from one Forward to the next.
GradientOptions Sequences(std::vector<int> bottoms, int tops = 1) {
  GradientOptions options = OfBottoms(bottoms);
  options.tops = tops;
  options.values = [](double x, int b, int i) { return b == 1 ? (i >= 2 && i != 4) : x; };
  return options;
}

TEST(Gradients, OfRecurrentLayers) {
  for (const std::string type : {"RNN", "LSTM"}) {
    const std::string text = "type: '" + type + "' recurrent_param { num_output: 2 }";
    CheckGradient(text, {{4, 2, 3}, {4, 2}}, Sequences({0}));
    CheckGradient(text, {{1, 2, 3}, {1, 2}}, Sequences({0}));
    CheckGradient(text, {{3, 2, 2, 2}, {3, 2}, {2, 3}}, Sequences({0, 2}));
  }
}

TEST(Gradients, OfTheLstmUnit) {
  GradientOptions options = OfBottoms({0, 1});
  options.tops = 2;
  options.values = [](double x, int b, int i) { return b == 2 ? i % 2 : x; };
  CheckGradient("type: 'LSTMUnit'", {{1, 3, 2}, {1, 3, 8}, {1, 3}}, options);
}

}  // namespace
}  // namespace caffe_test
