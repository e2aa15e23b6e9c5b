// A prototxt may give a layer's top the name of its bottom: what comes out must not depend on that.

#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "errors.hpp"

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
  NetParameter param;
  const std::string text =
      "force_backward: true layer { name: 'in' type: 'Input' top: 'x' top: 'other' top: 'pair' "
      "input_param { shape { dim: 2 dim: 4 dim: 5 dim: 5 } shape { dim: 2 dim: 4 dim: 5 dim: 5 } "
      "shape { dim: 2 } } } layer { name: 'twice' type: 'Power' bottom: 'x' top: 'h' "
      "power_param { scale: 2 } } layer { name: 'layer' bottom: 'h' " +
      c.others + " top: '" + top + "' " + c.layer + " }";
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &param)) << text;
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

TEST(InPlace, LayersThatKeepTheShapeComputeTheSame) {
  for (const Case& c : kKeepTheShape) {
    const std::vector<Numbers> apart = Results(c, "y"), in_place = Results(c, "h");
    ASSERT_EQ(apart.size(), in_place.size());
    for (size_t k = 0; k < apart.size(); ++k) {
      ASSERT_EQ(apart[k].size(), in_place[k].size()) << c.layer;
      for (size_t i = 0; i < apart[k].size(); ++i) {
        ASSERT_NEAR(apart[k][i], in_place[k][i], 1e-4) << c.layer << ", result " << k << ", " << i;
      }
    }
  }
}

TEST(InPlace, ALayerThatNeedsItsBottomMayChangeTheShape) {
  const Case halved{"type: 'Pooling' pooling_param { pool: AVE kernel_size: 2 stride: 2 }"};
  EXPECT_EQ(Results(halved, "h"), Results(halved, "y"));
}

TEST(InPlace, AnInputThatIsNeededIsNotOverwritten) {
  const auto make = [](const std::string& layer) {
    NetParameter param;
    const std::string text =
        "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 4 dim: 5 "
        "dim: 5 } } } layer { name: 'layer' bottom: 'x' top: 'x' " +
        layer + " }";
    CHECK(google::protobuf::TextFormat::ParseFromString(text, &param)) << text;
    Net<float>(param).Forward();
  };
  EXPECT_ERROR_NAMES(make("type: 'Pooling' pooling_param { kernel_size: 3 pad: 1 }"),
                     "layer 'layer' (Pooling) needs the net's input 'x'");
  make("type: 'ReLU'");
}

}  // namespace
}  // namespace caffe_test
