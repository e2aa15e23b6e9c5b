// BN, the batch normalisation of SegNet's nets: what it computes, alone and within nets.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "errors.hpp"
#include "from_text.hpp"
#include "gradient_check.hpp"
#include "same_as_reference.hpp"

namespace caffe_test {
namespace {

using caffe::Net;
using caffe::NetParameter;

const std::string kInference = "type: 'BN' bn_param { bn_mode: INFERENCE }";

TEST(BN, HasTheGradientOfItsOutput) {
  GradientOptions options;
  options.tolerance = 1e-5;
  for (const bool in_place : {false, true}) {
    options.in_place = in_place;
    CheckGradient("type: 'BN'", {{3, 4, 3, 2}}, options);
    CheckGradient("type: 'BN'", {{7, 5}}, options);
    CheckGradient(kInference, {{2, 3, 3, 2}}, options);
  }
}

TEST(BN, GivesInFloatWhatItGivesInDouble) {
  for (const std::string& text : {std::string("type: 'BN'"), kInference}) {
    ExpectSameAsReference(text, {{2, 19, 7, 5}});
    ExpectSameAsReference(text, {{2, 19, 7, 5}}, 1, true);
    ExpectSameAsReference(text, {{2, 16, 9, 8}}, 1, false, caffe::TEST);
  }
}

TEST(BN, FillsFactorsAndShifts) {
  const auto filled = [](const std::string& fillers) {
    const auto layer = caffe::LayerRegistry<float>::CreateLayer(
        FromText<caffe::LayerParameter>("type: 'BN' bn_param { " + fillers + " }"));
    caffe::Blob<float> bottom(2, 4, 3, 3), top;
    layer->SetUp({&bottom}, {&top});
    const std::vector<int> shape = {1, 4, 1, 1};
    std::vector<float> values;
    for (const auto& blob : layer->blobs()) {
      EXPECT_EQ(blob->shape(), shape);
      values.insert(values.end(), {blob->cpu_data()[0], blob->cpu_data()[3]});
    }
    return values;
  };
  EXPECT_EQ(filled("scale_filler { type: 'constant' value: 3 } "
                   "shift_filler { type: 'constant' value: 0.5 }"),
            (std::vector<float>{3, 3, 0.5, 0.5}));
  EXPECT_EQ(filled(""), (std::vector<float>{1, 1, 0, 0}));
  EXPECT_ERROR_NAMES(LayerRun<float>("type: 'BN'", {{3}}), "channel");
}

// Two normalisations with in-place ReLUs, and a loss. `bn` is a layer of the type that is told.
std::string Normalised(const std::string& bn, bool shared) {
  const auto conv = [](const std::string& name, const std::string& bottom) {
    return "layer { name: '" + name + "' type: 'Convolution' bottom: '" + bottom + "' top: '" +
           name +
           "' convolution_param { num_output: 6 kernel_size: 3 pad: 1 "
           "weight_filler { type: 'gaussian' std: 0.4 } } } ";
  };
  const auto norm = [&](const std::string& name) {
    const std::string at = " bottom: '" + name + "' top: '" + name + "' ";
    const std::string params = shared ? "param { name: 'f' } param { name: 's' } " : "";
    const std::string relu = "layer { name: 'relu_" + name + "' type: 'ReLU'" + at + "} ";
    if (bn == "BN") {
      return "layer { name: 'bn_" + name + "' type: 'BN'" + at + params +
             "bn_param { scale_filler { type: 'constant' value: 1.5 } "
             "shift_filler { type: 'constant' value: 0.25 } } } " +
             relu;
    }
    return "layer { name: 'bn_" + name + "' type: 'BatchNorm'" + at +
           "batch_norm_param { use_global_stats: false } } layer { name: 'scale_" + name +
           "' type: 'Scale'" + at + params +
           "scale_param { bias_term: true filler { type: 'constant' value: 1.5 } "
           "bias_filler { type: 'constant' value: 0.25 } } } " +
           relu;
  };
  return "layer { name: 'x' type: 'DummyData' top: 'x' top: 't' dummy_data_param { "
         "shape { dim: 2 dim: 3 dim: 17 dim: 19 } shape { dim: 2 dim: 6 dim: 17 dim: 19 } "
         "data_filler { type: 'gaussian' } } } " +
         conv("a", "x") + norm("a") + conv("b", "a") + norm("b") +
         "layer { name: 'loss' type: 'EuclideanLoss' bottom: 'b' bottom: 't' top: 'loss' }";
}

// The loss, and the diffs of all parameters that are learned.
std::vector<double> LossAndDiffs(const std::string& layers, NetParameter::BlobLifetime lifetime,
                                 caffe::Phase phase) {
  auto param = FromText<NetParameter>(layers);
  param.mutable_state()->set_phase(phase);
  param.set_blob_lifetime(lifetime);
  caffe::Caffe::set_random_seed(1701);
  Net<float> net(param);
  net.ClearParamDiffs();
  float loss = 0;
  net.Forward(&loss);
  std::vector<double> all = {loss};
  if (phase == caffe::TEST) return all;
  net.Backward();
  for (size_t i = 0; i < net.learnable_params().size(); ++i) {
    // BatchNorm's statistics are none of the parameters that BN has.
    if (net.params_lr()[i] == 0) continue;
    const caffe::Blob<float>& blob = *net.learnable_params()[i];
    all.insert(all.end(), blob.cpu_diff(), blob.cpu_diff() + blob.count());
  }
  return all;
}

void ExpectSameAsTwoLayers(NetParameter::BlobLifetime lifetime, caffe::Phase phase, bool shared) {
  const std::vector<double> two = LossAndDiffs(Normalised("BatchNorm", shared), lifetime, phase);
  const std::vector<double> one = LossAndDiffs(Normalised("BN", shared), lifetime, phase);
  ASSERT_EQ(two.size(), one.size());
  EXPECT_GT(two[0], 1);
  const std::vector<float> got(one.begin(), one.end());
  ExpectClose("loss and diffs", got.data(), two.data(), static_cast<int>(two.size()), 1e-4);
}

TEST(BN, DoesInNetsWhatBatchNormAndScaleDo) {
  for (const bool shared : {false, true}) {
    ExpectSameAsTwoLayers(NetParameter::KEEP, caffe::TRAIN, shared);
    ExpectSameAsTwoLayers(NetParameter::UNTIL_BACKWARD, caffe::TRAIN, shared);
    ExpectSameAsTwoLayers(NetParameter::UNTIL_READ, caffe::TEST, shared);
  }
}

TEST(BN, TakesOverTheReLUBehindIt) {
  const auto make = [](const std::string& text) {
    return caffe::LayerRegistry<float>::CreateLayer(FromText<caffe::LayerParameter>(text));
  };
  LayerRun<float> learn("type: 'BN'", {{2, 4, 3, 3}}, 1, true);
  EXPECT_TRUE(learn.layer->Fuse(make("type: 'ReLU'"), true));
  LayerRun<float> inference(kInference, {{2, 4, 3, 3}}, 1, true);
  EXPECT_FALSE(inference.layer->Fuse(make("type: 'ReLU'"), true));
}

}  // namespace
}  // namespace caffe_test
