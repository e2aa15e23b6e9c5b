// A prototxt may give a layer's top the name of its bottom: what comes out must not depend on that.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "errors.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Net;
using caffe::NetParameter;
using Numbers = std::vector<float>;

const std::string kWeights =
    " weight_filler { type: 'gaussian' std: 0.3 } bias_filler { type: 'gaussian' } ";

/// A layer that makes its top of blob 'h', which another layer makes of the net's input 'x', and of
/// other inputs: 'other', of the same shape, or 'pair', two values.
struct Case {
  std::string layer;
  std::string others = "";
};

const std::vector<Case> kKeepTheShape = {
    {"type: 'Convolution' convolution_param { num_output: 4 kernel_size: 3 pad: 1" + kWeights +
     "}"},
    {"type: 'Convolution' convolution_param { num_output: 4 kernel_size: 1" + kWeights + "}"},
    {"type: 'Convolution' convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 4" +
     kWeights + "}"},
    {"type: 'Convolution' convolution_param { engine: CAFFE num_output: 4 kernel_size: 1" +
     kWeights + "}"},
    {"type: 'Deconvolution' convolution_param { num_output: 4 kernel_size: 1" + kWeights + "}"},
    {"type: 'Pooling' pooling_param { pool: MAX kernel_size: 3 pad: 1 }"},
    {"type: 'Pooling' pooling_param { pool: AVE kernel_size: 3 pad: 1 }"},
    {"type: 'LRN' lrn_param { alpha: 1 }"},
    {"type: 'LRN' lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 1 }"},
    {"type: 'InnerProduct' inner_product_param { axis: 3 num_output: 5" + kWeights + "}"},
    {"type: 'Im2col' convolution_param { kernel_size: 1 }"},
    {"type: 'Interp' interp_param { zoom_factor: 1 }"},
    {"type: 'Softmax'"},
    {"type: 'MVN'"},
    {"type: 'Concat'"},
    {"type: 'Tile' tile_param { tiles: 1 }"},
    {"type: 'Crop' crop_param { axis: 2 }", "bottom: 'other'"},
    {"type: 'Eltwise'", "bottom: 'other'"},
    {"type: 'Eltwise' eltwise_param { operation: MAX }", "bottom: 'other'"},
    {"type: 'Eltwise' eltwise_param { operation: PROD }", "bottom: 'other'"},
    {"type: 'Scale' scale_param { axis: 0 }", "bottom: 'other'"},
    {"type: 'Filter'", "bottom: 'pair'"},
    {"type: 'BatchReindex'", "bottom: 'pair'"},
};

std::unique_ptr<Net<float>> MakeNet(const Case& c, const std::string& top) {
  const std::string text =
      "force_backward: true layer { name: 'in' type: 'Input' top: 'x' top: 'other' top: 'pair' "
      "input_param { shape { dim: 2 dim: 4 dim: 5 dim: 5 } shape { dim: 2 dim: 4 dim: 5 dim: 5 } "
      "shape { dim: 2 } } } layer { name: 'twice' type: 'Power' bottom: 'x' top: 'h' "
      "power_param { scale: 2 } } layer { name: 'layer' bottom: 'h' " +
      c.others + " top: '" + top + "' " + c.layer + " }";
  auto param = FromText<NetParameter>(text);
  caffe::Caffe::set_random_seed(1701);
  auto net = std::make_unique<Net<float>>(param);
  for (const std::string name : {"x", "other"}) {
    Blob<float>* blob = net->blob_by_name(name).get();
    caffe::caffe_rng_gaussian<float>(blob->count(), 0, 1, blob->mutable_cpu_data());
  }
  // Keeps both items; and as indices, it puts the second one first.
  net->blob_by_name("pair")->mutable_cpu_data()[0] = 1;
  net->blob_by_name("pair")->mutable_cpu_data()[1] = c.layer == "type: 'Filter'" ? 1 : 0;
  return net;
}

Numbers Copy(const float* values, int count) { return Numbers(values, values + count); }

/// The values of the top, and the gradients of the inputs and parameters.
std::vector<Numbers> Results(const Case& c, const std::string& top) {
  const auto net = MakeNet(c, top);
  net->Forward();
  Blob<float>* y = net->blob_by_name(top).get();
  std::vector<Numbers> results = {Copy(y->cpu_data(), y->count())};
  caffe::caffe_rng_gaussian<float>(y->count(), 0, 1, y->mutable_cpu_diff());
  net->ClearParamDiffs();
  net->Backward();
  for (const std::string name : {"x", "other"}) {
    const Blob<float>* blob = net->blob_by_name(name).get();
    results.push_back(Copy(blob->cpu_diff(), blob->count()));
  }
  for (const Blob<float>* param : net->learnable_params()) {
    results.push_back(Copy(param->cpu_diff(), param->count()));
  }
  return results;
}

void ExpectNear(const std::vector<Numbers>& apart, const std::vector<Numbers>& in_place,
                const std::string& layers) {
  ASSERT_EQ(apart.size(), in_place.size());
  for (size_t k = 0; k < apart.size(); ++k) {
    ASSERT_EQ(apart[k].size(), in_place[k].size()) << layers;
    for (size_t i = 0; i < apart[k].size(); ++i) {
      const float allowed = 1e-4f * (1 + std::abs(apart[k][i]));
      ASSERT_NEAR(apart[k][i], in_place[k][i], allowed) << layers << ", result " << k << ", " << i;
    }
  }
}

TEST(InPlace, LayersThatKeepTheShapeComputeTheSame) {
  for (const Case& c : kKeepTheShape) {
    ExpectNear(Results(c, "y"), Results(c, "h"), c.layer);
  }
}

TEST(InPlace, ALayerThatNeedsItsBottomMayChangeTheShape) {
  const Case halved{"type: 'Pooling' pooling_param { pool: AVE kernel_size: 2 stride: 2 }"};
  EXPECT_EQ(Results(halved, "h"), Results(halved, "y"));
}

TEST(InPlace, AnInputThatIsNeededIsNotOverwritten) {
  const auto make = [](const std::string& layer) {
    const std::string text =
        "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 4 dim: 5 "
        "dim: 5 } } } layer { name: 'layer' bottom: 'x' top: 'x' " +
        layer + " }";
    auto param = FromText<NetParameter>(text);
    Net<float>(param).Forward();
  };
  EXPECT_ERROR_NAMES(make("type: 'Pooling' pooling_param { kernel_size: 3 pad: 1 }"),
                     "layer 'layer' (Pooling) needs the net's input 'x'");
  make("type: 'ReLU'");
}

// ---- behind layers that need their tops ----

const std::string kInput =
    "state { phase: TRAIN } force_backward: true layer { name: 'in' type: 'Input' top: 'x' "
    "input_param { shape { dim: 2 dim: 4 dim: 5 dim: 5 } } } ";
std::string Loss(const std::string& bottom) {
  return "layer { name: 'sum' type: 'InnerProduct' bottom: '" + bottom +
         "' top: 'sum' loss_weight: 1 inner_product_param { axis: 0 num_output: 1" + kWeights +
         "} }";
}
const std::string kLoss = Loss("h");

/// Layers in a row; in place, all but the first write over 'h'. Their names are their places, and
/// the last top is 'h' anyway.
std::string Chain(const std::vector<std::string>& layers, bool in_place) {
  std::string text, bottom = "x";
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool last = i + 1 == layers.size();
    const std::string top = in_place || last ? "h" : "h" + std::to_string(i);
    text += "layer { name: '" + std::to_string(i) + "' bottom: '" + bottom + "' top: '" + top +
            "' type: " + layers[i] + " } ";
    bottom = top;
  }
  return text;
}

std::unique_ptr<Net<float>> MakeNet(const std::string& text) {
  auto param = FromText<NetParameter>(text);
  caffe::Caffe::set_random_seed(1701);
  return std::make_unique<Net<float>>(param);
}

/// The loss of a net with an input 'x', and the gradients of that and of the parameters.
std::vector<Numbers> Gradients(const std::string& text) {
  const auto net = MakeNet(text);
  Blob<float>* x = net->blob_by_name("x").get();
  caffe::caffe_rng_gaussian<float>(x->count(), 0, 1, x->mutable_cpu_data());
  float loss = 0;
  net->Forward(&loss);
  net->ClearParamDiffs();
  net->Backward();
  std::vector<Numbers> results = {{loss}, Copy(x->cpu_diff(), x->count())};
  for (const Blob<float>* param : net->learnable_params()) {
    results.push_back(Copy(param->cpu_diff(), param->count()));
  }
  return results;
}

const std::string kConvolution =
    "'Convolution' convolution_param { num_output: 4 kernel_size: 3 pad: 1" + kWeights + "}";
const std::string kScale = "'Scale' scale_param { bias_term: true filler { value: -0.5 } }";

TEST(InPlace, TheGradientsAreThoseOfSeparateBlobs) {
  const std::vector<std::string> first = {
      "'Sigmoid'",
      "'TanH'",
      "'ELU'",
      "'Exp'",
      "'Softmax'",
      "'MVN'",
      "'ReLU'",
      "'BNLL'",
      "'Swish'",
      "'AbsVal'",
      "'PReLU'",
      "'Power' power_param { power: 2 }",
      "'LRN'",
      "'BatchNorm'",
      "'ReLU' relu_param { negative_slope: 0.1 }",
      "'ReLU' relu_param { negative_slope: -0.1 }",
      "'Clip' clip_param { min: -0.5 max: 0.5 }",
      kConvolution,
      kScale,
      "'Pooling' pooling_param { kernel_size: 3 pad: 1 stride: 1 }"};
  std::vector<std::string> behind = {"'Dropout'",
                                     "'Bias' bias_param { filler { value: 0.3 } }",
                                     "'Power' power_param { scale: 3 }",
                                     "'Power' power_param { scale: -3 }",
                                     "'Power' power_param { shift: 0.2 }",
                                     "'Clip' clip_param { min: 0 max: 6 }",
                                     "'Clip' clip_param { min: 0.1 max: 6 }"};
  behind.insert(behind.end(), first.begin(), first.end());
  for (const std::string& front : first) {
    for (const std::string& back : behind) {
      ExpectNear(Gradients(kInput + Chain({front, back}, false) + kLoss),
                 Gradients(kInput + Chain({front, back}, true) + kLoss), front + ", " + back);
    }
  }
}

// Convolutions leave their values in an order of their own.
TEST(InPlace, AnEltwiseReadsConvolutionsBeforeItWrites) {
  const auto results = [](const std::string& operation, const std::string& top) {
    const auto convolution = [](const std::string& name) {
      return "layer { name: '" + name + "' bottom: 'x' top: '" + name +
             "' type: 'Convolution' convolution_param { num_output: 8 kernel_size: 3" + kWeights +
             "} } ";
    };
    return Gradients(kInput + convolution("a") + convolution("b") +
                     "layer { name: 'e' bottom: 'a' bottom: 'b' top: '" + top +
                     "' type: 'Eltwise' eltwise_param { operation: " + operation + " } } " +
                     Loss(top));
  };
  for (const std::string operation : {"MAX", "SUM", "PROD"}) {
    ExpectNear(results(operation, "c"), results(operation, "a"), operation);
  }
}

TEST(InPlace, WhatAnEarlierLayerNeedsStaysThroughAChain) {
  const std::vector<std::vector<std::string>> chains = {
      {"'Sigmoid'", "'Dropout'", kScale},
      {kConvolution, "'ReLU'", "'Dropout'", kScale, "'Dropout'"},
      {kConvolution, "'ReLU'", "'BatchNorm'", kScale, "'TanH'", kScale}};
  for (const auto& chain : chains) {
    ExpectNear(Gradients(kInput + Chain(chain, false) + kLoss),
               Gradients(kInput + Chain(chain, true) + kLoss), Chain(chain, true));
  }
}

TEST(InPlace, WhatIsNeededStaysWhereAnotherBlobHasItsMemory) {
  const std::string dropout = "layer { name: 'd' type: 'Dropout' bottom: 'h' top: ";
  for (const std::string share : {"'Flatten'", "'Concat'", "'Slice'", "'Split'",
                                  "'Reshape' reshape_param { shape { dim: -1 } }"}) {
    const std::string softmax =
        kInput +
        "layer { name: 's' type: 'Softmax' bottom: 'x' top: 's' } layer { name: 'f' "
        "bottom: 's' top: 'h' type: " +
        share + " } ";
    EXPECT_EQ(Gradients(softmax + dropout + "'h' } " + Loss("h")),
              Gradients(softmax + dropout + "'y' } " + Loss("y")))
        << share;
  }
}

TEST(InPlace, MemoryThatOthersReadIsNotWrittenOver) {
  const auto results = [](const std::string& copy) {
    const std::string rest =
        "layer { name: 'split' type: 'Split' bottom: 'x' top: 'a' top: 'b' } "
        "layer { name: 'flat' type: 'Flatten' bottom: 'a' top: 'f' } "
        "layer { name: 'relu' type: 'ReLU' bottom: 'f' top: '" +
        copy +
        "' } "
        "layer { name: 'flat_b' type: 'Flatten' bottom: 'b' top: 'g' } "
        "layer { name: 'add' type: 'Eltwise' bottom: '" +
        copy + "' bottom: 'g' top: 'h' } ";
    return Gradients(kInput + rest + kLoss);
  };
  EXPECT_EQ(results("f"), results("y"));

  const auto net = MakeNet(
      "layer { name: 'p' type: 'Parameter' top: 'p' parameter_param { shape { dim: 2 } } } "
      "layer { name: 'add' type: 'Power' bottom: 'p' top: 'p' power_param { shift: 1 } }");
  net->Forward();
  net->Forward();
  EXPECT_EQ(net->params()[0]->cpu_data()[0], 0);
  EXPECT_EQ(net->blob_by_name("p")->cpu_data()[0], 1);
}

TEST(InPlace, ConstantsThatAreFilledOnceStay) {
  const auto net = MakeNet(
      "layer { name: 'x' type: 'DummyData' top: 'x' top: 'noise' dummy_data_param { shape { dim: 2 "
      "} data_filler { value: 3 } data_filler { type: 'gaussian' } } } "
      "layer { name: 'add' type: 'Power' bottom: 'x' top: 'x' power_param { shift: 1 } } ");
  for (int pass = 0; pass < 3; ++pass) {
    net->Forward();
    EXPECT_EQ(net->blob_by_name("x")->cpu_data()[0], 4);
  }
  const std::string noise =
      "layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 2 } "
      "data_filler { type: 'gaussian' } } } "
      "layer { name: 'add' type: 'Power' bottom: 'x' top: 'x' power_param { shift: 1 } } ";
  EXPECT_EQ(MakeNet(noise)->blobs().size(), 1u);
}

// ---- and nothing more ----

size_t BlobsOf(const std::string& text) { return MakeNet(text)->blobs().size(); }

TEST(InPlace, UsualNetsHaveNoMoreBlobsThanNames) {
  const std::string product = "'InnerProduct' inner_product_param { num_output: 3" + kWeights + "}";
  const std::vector<std::vector<std::string>> chains = {
      {kConvolution, "'ReLU'", "'Dropout'"},
      {product, "'ReLU'", "'Dropout'"},
      {kConvolution, "'BatchNorm'", kScale, "'ReLU'", "'Dropout'"},
      {kConvolution, "'Bias'", "'PReLU'", "'Dropout'"},
      {kConvolution, "'ReLU'", "'Clip' clip_param { min: 0 max: 6 }",
       "'Power' power_param { scale: 2 }"},
      {"'Pooling' pooling_param { kernel_size: 3 }", "'ReLU'"},
      {kConvolution, "'Sigmoid'"},
      {product, "'TanH'"}};
  for (const auto& chain : chains) {
    EXPECT_EQ(BlobsOf(kInput + Chain(chain, true) + kLoss), 3u) << Chain(chain, true);
  }
}

TEST(InPlace, NetsThatDoNotGoBackKeepOneBlob) {
  const std::string chain = Chain({kConvolution, "'Sigmoid'", kScale}, true);
  const std::string input = kInput.substr(kInput.find("layer"));
  EXPECT_EQ(BlobsOf(input + chain + kLoss), 4u);
  // Without a loss, and where blobs live until they are read.
  EXPECT_EQ(BlobsOf(input + chain), 2u);
  EXPECT_EQ(BlobsOf("blob_lifetime: UNTIL_READ " + input + chain + kLoss), 3u);
  // What is learnt is behind the Sigmoid only.
  EXPECT_EQ(BlobsOf(input + Chain({"'Sigmoid'", kScale}, true) + kLoss), 3u);
}

/// As written for Caffe 1.0: in place, it has nothing to do.
class LookingLayer : public caffe::Layer<float> {
 public:
  explicit LookingLayer(const caffe::LayerParameter& param) : Layer(param) {}
  void Reshape(const std::vector<Blob<float>*>&, const std::vector<Blob<float>*>&) override {}
  const char* type() const override { return "Looking"; }

 protected:
  void Forward_cpu(const std::vector<Blob<float>*>& bottom,
                   const std::vector<Blob<float>*>& top) override {
    CHECK(bottom[0] == top[0]);
  }
  void Backward_cpu(const std::vector<Blob<float>*>&, const std::vector<bool>&,
                    const std::vector<Blob<float>*>&) override {}
};

TEST(InPlace, ALayerThatDoesNotSayWorksInPlace) {
  caffe::LayerRegistry<float>::Registry().emplace(
      "Looking", [](const caffe::LayerParameter& param) {
        return caffe::shared_ptr<caffe::Layer<float>>(new LookingLayer(param));
      });
  EXPECT_EQ(BlobsOf(kInput + Chain({"'Sigmoid'", "'Looking'"}, true) + kLoss), 3u);
  // What it left of a Sigmoid, the layers behind leave, too.
  EXPECT_EQ(Gradients(kInput + Chain({"'Sigmoid'", "'Looking'", kScale}, true) + kLoss),
            Gradients(kInput + Chain({"'Sigmoid'", kScale}, false) + kLoss));
}

}  // namespace
}  // namespace caffe_test
