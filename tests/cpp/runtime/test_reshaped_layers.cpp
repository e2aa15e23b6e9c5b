// Bottoms that change their shape after SetUp: a layer whose parameters do not fit them any more
// says so.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "errors.hpp"
#include "from_text.hpp"
#include "layer_run.hpp"

namespace caffe_test {
namespace {

struct Case {
  const char* name;
  const char* layer;
  Shapes before, after;
  const char* error;
};

class ReshapedLayer : public testing::TestWithParam<Case> {};

TEST_P(ReshapedLayer, RefusesWhatItsParametersDoNotFit) {
  const Case& c = GetParam();
  LayerRun<float> run(c.layer, c.before);
  run.Forward();
  for (size_t b = 0; b < c.after.size(); ++b) run.bottom[b]->Reshape(c.after[b]);
  EXPECT_ERROR_NAMES(run.layer->Forward(run.bottom, run.top), c.error);
}

INSTANTIATE_TEST_SUITE_P(
    Layers, ReshapedLayer,
    testing::Values(
        Case{"ArgMax", "type: 'ArgMax' argmax_param { top_k: 3 }", {{2, 5}}, {{2, 2}}, "top_k"},
        Case{"ArgMaxOfNothing", "type: 'ArgMax'", {{2, 5}}, {{2, 0}}, "top_k"},
        Case{"PReLU", "type: 'PReLU'", {{2, 3, 4}}, {{2, 8, 4}}, "slopes"},
        Case{"ContrastiveLoss",
             "type: 'ContrastiveLoss'",
             {{4, 3}, {4, 3}, {4}},
             {{4, 3}, {4, 9}, {4}},
             "shapes"},
        Case{"Crop",
             "type: 'Crop' crop_param { axis: 1 offset: 0 offset: 1 }",
             {{1, 4, 4}, {1, 2, 2}},
             {{1, 4, 4, 4}, {1, 2, 2, 2}},
             "offsets"},
        Case{"InnerProduct",
             "type: 'InnerProduct' inner_product_param { num_output: 2 }",
             {{2, 6}},
             {{2, 7}},
             "7"},
        Case{"Scale", "type: 'Scale'", {{2, 3, 4}}, {{2, 5, 4}}, "5"},
        Case{"ScaleAndBias",
             "type: 'Scale' scale_param { bias_term: true }",
             {{2, 3, 4}, {3}},
             {{2, 5, 4}, {5}},
             "bias, 3 (3)"},
        Case{"Pooling",
             "type: 'Pooling' pooling_param { kernel_size: 2 pad: 1 }",
             {{1, 1, 4, 4}},
             {{1, 1, 0, 4}},
             "nothing to pool"},
        Case{"Bias", "type: 'Bias'", {{2, 3, 4}}, {{2, 5, 4}}, "5"},
        Case{"BatchNorm", "type: 'BatchNorm'", {{2, 3, 4, 4}}, {{2, 5, 4, 4}}, "5"},
        Case{"Convolution",
             "type: 'Convolution' convolution_param { num_output: 2 kernel_size: 1 }",
             {{2, 3, 4, 4}},
             {{2, 5, 4, 4}},
             "channels"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ScaleLayer, HasNothingToDoOnABlobWithoutChannels) {
  LayerRun<float> run("type: 'Scale'", {{4, 0}, {0}});
  run.Forward();
  EXPECT_EQ(run.top[0]->count(), 0);
}

TEST(LayersWithoutItems, HaveNothingToDo) {
  const Shapes none = {{0, 3, 4, 4}}, no_channels = {{2, 0, 4, 4}}, no_columns = {{20, 0}};
  const Shapes no_pairs = {{2, 0}, {2, 0}};
  const auto two = [](const Shapes& shapes) { return Shapes{shapes[0], shapes[0]}; };
  const std::vector<std::pair<std::string, Shapes>> cases = {
      {"type: 'LRN'", none},
      {"type: 'LRN'", no_channels},
      {"type: 'LRN' lrn_param { norm_region: WITHIN_CHANNEL }", no_channels},
      {"type: 'Pooling' pooling_param { kernel_size: 2 }", none},
      {"type: 'Pooling' pooling_param { kernel_size: 2 pool: AVE }", none},
      {"type: 'Pooling' pooling_param { kernel_size: 2 pool: AVE }", no_channels},
      {"type: 'Pooling' pooling_param { kernel_size: 2 pool: STOCHASTIC }", none},
      {"type: 'Pooling' pooling_param { global_pooling: true pool: AVE }", none},
      {"type: 'Softmax'", none},
      {"type: 'Softmax'", no_channels},
      {"type: 'MVN'", none},
      {"type: 'BatchNorm'", none},
      {"type: 'Scale' scale_param { bias_term: true }", none},
      {"type: 'Scale'", {{20, 0}, {0}}},
      {"type: 'Bias'", {{20, 0}, {0}}},
      {"type: 'PReLU'", none},
      {"type: 'PReLU' prelu_param { channel_shared: true }", no_columns},
      {"type: 'ReLU'", none},
      {"type: 'Dropout'", none},
      {"type: 'Convolution' convolution_param { num_output: 2 kernel_size: 3 }", none},
      {"type: 'Convolution' convolution_param { num_output: 3 kernel_size: 3 group: 3 }", none},
      {"type: 'Deconvolution' convolution_param { num_output: 2 kernel_size: 3 }", none},
      {"type: 'InnerProduct' inner_product_param { num_output: 2 }", none},
      {"type: 'Interp' interp_param { height: 7 width: 7 }", none},
      {"type: 'Interp' interp_param { height: 1 width: 1 }", no_channels},
      {"type: 'Eltwise'", two(none)},
      {"type: 'Eltwise' eltwise_param { operation: MAX }", two(none)},
      {"type: 'Concat'", two(no_columns)},
      {"type: 'Crop'", two(none)},
      {"type: 'Upsample'", two(none)},
      {"type: 'Tile' tile_param { tiles: 3 }", none},
      {"type: 'Reduction' reduction_param { axis: 1 operation: SUMSQ }", none},
      {"type: 'Reduction' reduction_param { axis: 1 }", no_columns},
      {"type: 'EuclideanLoss'", two(no_columns)},
      {"type: 'GeometricLoss'", no_pairs},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.first);
    const auto pass = [&] {
      LayerRun<float> run(c.first, c.second);
      run.Forward();
      run.Backward(std::vector<bool>(run.bottom.size(), true));
      EXPECT_EQ(run.bottom[0]->count(), 0);
    };
    EXPECT_NO_THROW(pass());
  }
}

TEST(BatchNormLayer, LearnsNothingOfNoItems) {
  LayerRun<float> run("type: 'BatchNorm'", {{0, 3, 4, 4}});
  const auto& statistics = run.layer->blobs();
  std::vector<float> before;
  for (const auto& blob : statistics) before.push_back(blob->cpu_data()[0]);
  run.Forward();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(statistics[i]->cpu_data()[0], before[i]);
}

TEST(RecurrentLayer, NeedsAStep) {
  EXPECT_ERROR_NAMES(
      LayerRun<float>("type: 'LSTM' recurrent_param { num_output: 2 }", Shapes{{0, 2, 3}, {0, 2}}),
      "step");
}

TEST(RecurrentLayer, RefusesGatesThatNoIntCounts) {
  EXPECT_ERROR_NAMES(LayerRun<float>("type: 'LSTM' recurrent_param { num_output: 536870912 }",
                                     Shapes{{1, 2, 3}, {1, 2}}),
                     "num_output is too large");
  const auto layer =
      caffe::LayerRegistry<float>::CreateLayer(FromText<caffe::LayerParameter>("type: 'LSTMUnit'"));
  Blob<float> state(std::vector<int>{1, 1, 1 << 30}), gates(std::vector<int>{1, 1, 0});
  Blob<float> flags(std::vector<int>{1, 1}), next_state, output;
  EXPECT_ERROR_NAMES(layer->SetUp({&state, &gates, &flags}, {&next_state, &output}),
                     "must be 1 x N x 4D");
}

// Its columns would be too many for a blob; the kernel in use needs none.
TEST(ConvolutionLayer, TakesImagesWhoseColumnsNoBlobHolds) {
  const caffe::LayerParameter param = FromText<caffe::LayerParameter>(
      "type: 'Convolution' convolution_param { num_output: 64 kernel_size: 3 pad: 1 }");
  Blob<float> image(1, 64, 2048, 2048), features;
  const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
  layer->SetUp({&image}, {&features});
  EXPECT_EQ(features.shape(), image.shape());
}

}  // namespace
}  // namespace caffe_test
