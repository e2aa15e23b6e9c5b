// A net with all that encoder-decoder nets have, trained: on either device, in any precision, with
// blobs that are kept and freed, to the same losses.

#include <gtest/gtest.h>

#include "caffe/sgd_solvers.hpp"
#include "from_text.hpp"
#include "in_mode.hpp"

namespace caffe_test {
namespace {

using caffe::Caffe;

const char kSolver[] = R"(
  type: "Adam" base_lr: 0.003 lr_policy: "fixed" momentum: 0.9 momentum2: 0.999
  random_seed: 7 snapshot_after_train: false
  net_param {
    layer { name: "x" type: "DummyData" top: "x" top: "wanted" dummy_data_param {
            shape { dim: 2 dim: 3 dim: 22 dim: 30 } shape { dim: 2 dim: 2 dim: 22 dim: 30 }
            data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
    layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1" convolution_param {
            num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
    layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
    layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1"
            scale_param { bias_term: true } }
    layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" top: "mask1"
            pooling_param { kernel_size: 2 stride: 2 } }
    layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2" convolution_param {
            num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
    layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
    layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" top: "mask2"
            pooling_param { kernel_size: 2 stride: 2 } }
    layer { name: "conv3" type: "Convolution" bottom: "pool2" top: "conv3" convolution_param {
            num_output: 32 kernel_size: 3 pad: 2 dilation: 2 weight_filler { type: "msra" } } }
    layer { name: "prelu3" type: "PReLU" bottom: "conv3" top: "conv3" }
    layer { name: "up2" type: "Upsample" bottom: "conv3" bottom: "mask2" top: "up2"
            upsample_param { upsample_h: 11 upsample_w: 15 } }
    layer { name: "conv4" type: "Convolution" bottom: "up2" top: "conv4" convolution_param {
            num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
    layer { name: "relu4" type: "ReLU" bottom: "conv4" top: "conv4" }
    layer { name: "up1" type: "Upsample" bottom: "conv4" bottom: "mask1" top: "up1"
            upsample_param { scale: 2 } }
    layer { name: "wide" type: "Deconvolution" bottom: "pool1" top: "wide" convolution_param {
            num_output: 16 group: 16 kernel_size: 8 stride: 2 pad: 2 bias_term: false
            weight_filler { type: "bilinear" } } }
    layer { name: "crop" type: "Crop" bottom: "wide" bottom: "up1" top: "crop"
            crop_param { offset: 1 } }
    layer { name: "largest" type: "Eltwise" bottom: "crop" bottom: "up1" top: "largest"
            eltwise_param { operation: MAX } }
    layer { name: "product" type: "Eltwise" bottom: "largest" bottom: "conv1" top: "product"
            eltwise_param { operation: PROD } }
    layer { name: "out" type: "Convolution" bottom: "product" top: "out" convolution_param {
            num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "out" bottom: "wanted" top: "loss" }
  })";

std::vector<float> Losses(const std::string& more) {
  auto param = FromText<caffe::SolverParameter>(kSolver + more);
  const std::unique_ptr<caffe::Solver<float>> solver(
      caffe::SolverRegistry<float>::CreateSolver(param));
  std::vector<float> losses;
  for (int i = 0; i < 6; ++i) {
    solver->Step(1);
    losses.push_back(solver->net()->output_blobs()[0]->cpu_data()[0]);
  }
  return losses;
}

void ExpectLosses(const std::vector<float>& expected, const std::string& more, double tolerance) {
  const std::vector<float> losses = Losses(more);
  for (size_t i = 0; i < losses.size(); ++i) {
    EXPECT_NEAR(losses[i], expected[i], tolerance * expected[i]) << more << ", step " << i;
  }
  EXPECT_LT(losses.back(), 0.8 * losses.front());
}

TEST(EncoderDecoder, TrainsToTheSameLossesHoweverItComputes) {
  std::vector<float> expected;
  {
    const InMode in_cpu_mode(Caffe::CPU);
    expected = Losses("");
  }
  ExpectLosses(expected, "", 1e-3);
  ExpectLosses(expected, "release_blobs: true", 1e-3);
  ExpectLosses(expected, "release_blobs: true iter_size: 1 loss_scale: 4", 1e-3);
  for (const char* precision : {"TF32", "BF16", "FP16"}) {
    ExpectLosses(expected, std::string("release_blobs: true precision: ") + precision, 0.01);
  }
}

}  // namespace
}  // namespace caffe_test
