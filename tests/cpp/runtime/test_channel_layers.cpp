// BatchNorm, Scale, Bias, MVN, InnerProduct, Embed: gradients, and what they keep between passes.

#include <cmath>

#include <gtest/gtest.h>

#include "errors.hpp"
#include "gradient_check.hpp"
#include "same_as_reference.hpp"

namespace caffe_test {
namespace {

GradientOptions OfBottoms(bool in_place = false) {
  GradientOptions options;
  options.check_parameters = false;
  options.in_place = in_place;
  options.tolerance = 1e-5;
  return options;
}

TEST(BatchNorm, HasTheGradientOfItsOutput) {
  CheckGradient("type: 'BatchNorm'", {{3, 4, 3, 2}}, OfBottoms());
  CheckGradient("type: 'BatchNorm'", {{3, 4, 3, 2}}, OfBottoms(true));
  CheckGradient("type: 'BatchNorm'", {{7, 5}}, OfBottoms());
}

TEST(BatchNorm, NormalisesEveryChannel) {
  LayerRun<double> run("type: 'BatchNorm' batch_norm_param { eps: 0 }", {{3, 2, 4, 5}});
  run.Forward();
  for (int c = 0; c < 2; ++c) {
    double sum = 0, squares = 0;
    for (int i = 0; i < 60; ++i) {
      const double y = run.top[0]->data_at(i / 20, c, i / 5 % 4, i % 5);
      sum += y;
      squares += y * y;
    }
    EXPECT_NEAR(sum, 0, 1e-10);
    EXPECT_NEAR(squares, 60, 1e-10);
  }
}

TEST(BatchNorm, UsesItsRunningSumsInTest) {
  LayerRun<double> run("type: 'BatchNorm' batch_norm_param { eps: 0 }", {{1, 2, 1, 2}}, 1, false,
                       {}, caffe::TEST);
  const double sums[] = {6, 8}, variances[] = {8, 18};
  for (int c = 0; c < 2; ++c) {
    run.layer->blobs()[0]->mutable_cpu_data()[c] = sums[c];
    run.layer->blobs()[1]->mutable_cpu_data()[c] = variances[c];
  }
  run.layer->blobs()[2]->mutable_cpu_data()[0] = 2;
  run.Forward();
  EXPECT_NEAR(run.top[0]->data_at(0, 0, 0, 1), (run.inputs[0][1] - 3) / 2, 1e-12);
  EXPECT_NEAR(run.top[0]->data_at(0, 1, 0, 0), (run.inputs[0][2] - 4) / 3, 1e-12);
}

TEST(BatchNorm, NeedsAnEpsThatKeepsVariancesAboveZero) {
  for (const std::string eps : {"-1e-5", "nan"}) {
    EXPECT_ERROR_NAMES(
        LayerRun<float>("type: 'BatchNorm' batch_norm_param { eps: " + eps + " }", {{3, 2}}),
        "eps is added to variances");
  }
}

// As the Filter layer makes them.
TEST(BatchNorm, TakesNoStatisticsOfAnEmptyBatch) {
  LayerRun<float> run("type: 'BatchNorm'", {{2, 3, 2, 2}});
  const auto sums = [&] {
    std::vector<float> values;
    for (const auto& blob : run.layer->blobs()) {
      values.insert(values.end(), blob->cpu_data(), blob->cpu_data() + blob->count());
    }
    return values;
  };
  run.Forward();
  const std::vector<float> before = sums();
  run.bottom[0]->Reshape({0, 3, 2, 2});
  run.layer->Forward(run.bottom, run.top);
  run.layer->Backward(run.top, {true}, run.bottom);
  EXPECT_EQ(sums(), before);
  EXPECT_EQ(run.top[0]->shape(), (std::vector<int>{0, 3, 2, 2}));
}

TEST(BatchNorm, KeepsTheSolverAwayFromItsStatistics) {
  LayerRun<float> run("type: 'BatchNorm'", {{2, 3, 2, 2}});
  ASSERT_EQ(run.layer->layer_param().param_size(), 3);
  for (const auto& param : run.layer->layer_param().param()) EXPECT_EQ(param.lr_mult(), 0);
  EXPECT_THROW(LayerRun<float>("type: 'BatchNorm' param { lr_mult: 1 }", {{2, 3, 2, 2}}),
               caffe::Error);
}

TEST(Scale, HasTheGradientOfItsOutput) {
  const Shapes image = {{2, 3, 4, 2}};
  CheckGradient("type: 'Scale' scale_param { bias_term: true }", image);
  CheckGradient("type: 'Scale' scale_param { axis: 0 num_axes: 3 }", image);
  CheckGradient("type: 'Scale' scale_param { axis: -1 bias_term: true }", image);
  CheckGradient("type: 'Scale' scale_param { num_axes: -1 }", image);
  CheckGradient("type: 'Scale' scale_param { num_axes: 0 bias_term: true }", image);
  CheckGradient("type: 'Scale' scale_param { bias_term: true }", {{2, 3, 4, 2}, {3, 4}});
  CheckGradient("type: 'Scale'", {{2, 3, 4, 2}, {}});
  GradientOptions in_place;
  in_place.in_place = true;
  CheckGradient("type: 'Scale' scale_param { bias_term: true }", image, in_place);
}

TEST(Bias, HasTheGradientOfItsOutput) {
  CheckGradient("type: 'Bias'", {{2, 3, 4, 2}});
  CheckGradient("type: 'Bias' bias_param { axis: 2 num_axes: -1 }", {{2, 3, 4, 2}});
  CheckGradient("type: 'Bias' bias_param { axis: 0 }", {{2, 3, 4, 2}, {2, 3}});
  GradientOptions in_place;
  in_place.in_place = true;
  CheckGradient("type: 'Bias'", {{2, 3, 4, 2}}, in_place);
}

TEST(Scale, SaysWhichAxesDoNotFit) {
  try {
    LayerRun<float>("type: 'Scale'", {{2, 3, 4, 2}, {3, 5}});
    FAIL();
  } catch (const caffe::Error& e) {
    EXPECT_NE(std::string(e.what()).find("axis 2 of the bottom and axis 1 of the operand"),
              std::string::npos)
        << e.what();
  }
}

TEST(LearnedOperand, ComesInTheNumberAndShapeThatTheLayerNeeds) {
  const std::string scale = "type: 'Scale' scale_param { bias_term: true } ";
  EXPECT_ERROR_NAMES(
      LayerRun<float>(scale + "blobs { shape { dim: 3 } data: [1, 2, 3] }", {{2, 3}}),
      "1 blobs came with the layer's message; it needs 2");
  const std::string other = "blobs { shape { dim: 2 } data: [1, 2] }";
  EXPECT_ERROR_NAMES(LayerRun<float>(scale + other + other, {{2, 3}}),
                     "have shape 2 (2), the layer needs 3 (3)");
}

TEST(LearnedOperand, HasNoMoreAxesThanTheBottom) {
  for (const std::string type : {"Scale", "Bias"}) {
    const std::string field = type == "Scale" ? "scale_param" : "bias_param";
    EXPECT_ERROR_NAMES(
        LayerRun<float>("type: '" + type + "' " + field + " { num_axes: 2147483647 }", {{2, 3}}),
        "reach beyond the bottom");
  }
}

TEST(MVN, HasTheGradientOfItsOutput) {
  // With the default eps: it is added to the deviation, and its share in the gradient is left out,
  // as in Caffe 1.0.
  for (const char* options : {"", "across_channels: true", "normalize_variance: false"}) {
    CheckGradient(std::string("type: 'MVN' mvn_param { ") + options + " }", {{2, 3, 4, 3}},
                  OfBottoms());
  }
}

TEST(InnerProduct, HasTheGradientOfItsOutput) {
  CheckGradient("type: 'InnerProduct' inner_product_param { num_output: 4 }", {{2, 3, 2, 2}});
  CheckGradient("type: 'InnerProduct' inner_product_param { num_output: 4 transpose: true }",
                {{2, 3, 2, 2}});
  CheckGradient(
      "type: 'InnerProduct' inner_product_param { num_output: 4 axis: 2 bias_term: false }",
      {{2, 3, 2, 2}});
}

TEST(InnerProduct, AgreesWithTheReference) {
  ExpectSameAsReference("type: 'InnerProduct' inner_product_param { num_output: 20 }",
                        {{3, 32, 5, 5}});
}

TEST(Embed, HasTheGradientOfItsTable) {
  LayerRun<double> run("type: 'Embed' embed_param { input_dim: 5 num_output: 3 }", {{2, 3}}, 1,
                       false, [](double, int, int i) { return i % 4; });
  run.Forward();
  run.Backward({false});
  const auto table = run.layer->blobs()[0];
  for (int row = 0; row < 5; ++row) {
    for (int n = 0; n < 3; ++n) {
      double expected = 0;
      for (int i = 0; i < 6; ++i) expected += i % 4 == row ? run.top_diffs[0][i * 3 + n] : 0;
      EXPECT_NEAR(table->cpu_diff()[row * 3 + n], expected, 1e-12);
    }
  }
}

TEST(Embed, RefusesIndicesThatAreNone) {
  for (const double bad : {-1., 5., 1.5}) {
    LayerRun<double> run("type: 'Embed' embed_param { input_dim: 5 num_output: 3 }", {{2}}, 1,
                         false, [&](double, int, int) { return bad; });
    // A GPU does not wait for its kernels: they report at the layer's next turn.
    if (caffe::Caffe::mode() == caffe::Caffe::GPU) run.Forward();
    EXPECT_THROW(run.Forward(), caffe::Error);
  }
}

}  // namespace
}  // namespace caffe_test
