// Nets give the same gradients, whatever the order of their blobs.

#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/layout_count.hpp"
#include "channel_orders.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

// Its BatchNorm layers take over Scale and ReLU. The slopes are large, since rounding moves values
// from one side of zero to the other.
const char kNet[] = R"(
  force_backward: true
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 12 dim: 16 } } }
  layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
  layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
  layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param {
          bias_term: true filler { value: 2 } bias_filler { value: 0.5 } } }
  layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1"
          relu_param { negative_slope: 0.75 } }
  layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
  layer { name: "bn2" type: "BatchNorm" bottom: "conv2" top: "conv2" }
  layer { name: "scale2" type: "Scale" bottom: "conv2" top: "conv2" }
  layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2"
          relu_param { negative_slope: 0.75 } })";

std::vector<std::vector<float>> RunNet(const std::string& text) {
  auto param = FromText<caffe::NetParameter>(text);
  param.mutable_state()->set_phase(caffe::TRAIN);
  Caffe::set_random_seed(1701);
  caffe::Net<float> net(param);
  caffe::Blob<float>* x = net.input_blobs()[0];
  const auto values = Numbers(x->count(), 1);
  std::copy(values.begin(), values.end(), x->mutable_cpu_data());
  caffe::Blob<float>* y = net.output_blobs()[0];
  std::vector<std::vector<float>> results;
  net.ClearParamDiffs();
  net.ForwardBackwardAround([&] {
    results.emplace_back(y->cpu_data(), y->cpu_data() + y->count());
    const auto diff = Numbers(y->count(), 2);
    std::copy(diff.begin(), diff.end(), y->mutable_cpu_diff());
  });
  for (const caffe::Blob<float>* blob : net.learnable_params()) {
    results.emplace_back(blob->cpu_diff(), blob->cpu_diff() + blob->count());
  }
  return results;
}

TEST(AnyOrderOfChannels, GivesNetsTheSameGradients) {
  const auto run = [](const std::string& precision) {
    return RunNet("precision: " + precision + kNet);
  };
  ExpectSame(run("TF32"), run("FP32"), 0.03, "TF32, blob");
}

// Where blobs are not kept, convolutions take over their ReLU, on the GPU its gradient, too.
TEST(AnyOrderOfChannels, GivesNetsTheSameGradientsOfFusedLayers) {
  const std::string conv =
      "type: 'Convolution' convolution_param { num_output: 16 kernel_size: 3 pad: 1 "
      "weight_filler { type: 'xavier' } bias_filler { type: 'uniform' min: -1 } ";
  for (const std::string precision : {"FP32", "TF32", "BF16"}) {
    // Engines round factors to TF32 in ways of their own; in 16 bits sums are rounded before the
    // bias is added, or not. Either is as the fastest engine has it.
    const bool engines = Caffe::mode() == Caffe::GPU;
    const double of_tf32 = engines ? 1. / 512 : 1e-6, of_bf16 = engines ? 1. / 32 : 1. / 64;
    const double tolerance = precision == "FP32" ? 1e-6 : precision == "TF32" ? of_tf32 : of_bf16;
    for (const char* group : {"", "group: 16"}) {
      const std::string net = "force_backward: true precision: " + precision +
                              " layer { name: 'x' type: 'Input' top: 'x' "
                              "input_param { shape { dim: 2 dim: 16 dim: 12 dim: 10 } } }"
                              " layer { name: 'conv1' bottom: 'x' top: 'conv1' " +
                              conv + group +
                              " } }"
                              " layer { name: 'relu1' type: 'ReLU' bottom: 'conv1' top: 'conv1' }"
                              " layer { name: 'conv2' bottom: 'conv1' top: 'conv2' " +
                              conv + group +
                              " } }"
                              " layer { name: 'relu2' type: 'ReLU' bottom: 'conv2' top: 'conv2' "
                              "relu_param { negative_slope: 0.5 } } blob_lifetime: ";
      ExpectSame(RunNet(net + "UNTIL_BACKWARD"), RunNet(net + "KEEP"), tolerance,
                 precision + group + ", blob");
    }
  }
}

#ifdef USE_CUDNN
TEST(ChannelsLastOnGpu, IsMadeOfAnInputOnceForBothPasses) {
  if (Caffe::mode() == Caffe::CPU) GTEST_SKIP() << "needs a GPU";
  auto param = FromText<caffe::NetParameter>(std::string("precision: BF16 ") + kNet);
  param.mutable_state()->set_phase(caffe::TRAIN);
  caffe::Net<float> net(param);
  const auto reorders_of = [](const auto& run) {
    const int64_t before = caffe::LayoutReorders();
    run();
    return caffe::LayoutReorders() - before;
  };
  const auto apart = [&] {
    net.Forward();
    net.Backward();
  };
  const auto together = [&] { net.ForwardBackward(); };
  apart();
  EXPECT_LT(reorders_of(together), reorders_of(apart));
}
#endif

}  // namespace
}  // namespace caffe_test
