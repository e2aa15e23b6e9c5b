// Affine layers, as BatchNorm and Scale are in inference, that a convolution in front computes.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <boost/make_shared.hpp>
#include <gtest/gtest.h>

#include "as_large.hpp"
#include "caffe/filler.hpp"
#include "caffe/net.hpp"
#include "dnn/precision.hpp"
#include "from_text.hpp"
#include "in_mode.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Net;
using caffe::NetParameter;
using NetPtr = caffe::shared_ptr<Net<float>>;

std::string InPlace(const std::string& layer) {
  return "layer { bottom: 'y' top: 'y' " + layer + " }\n";
}

const std::string kBatchNorm = InPlace("name: 'norm' type: 'BatchNorm'");
const std::string kScale = InPlace(
    "name: 'scale' type: 'Scale' scale_param { bias_term: true"
    "  filler { type: 'uniform' min: -1 max: 2 } bias_filler { type: 'gaussian' } }");
const std::string kBias =
    InPlace("name: 'bias' type: 'Bias' bias_param { filler { type: 'gaussian' } }");
const std::string kRelu = InPlace("name: 'relu' type: 'ReLU'");
const std::string kLeakyRelu =
    InPlace("name: 'relu' type: 'ReLU' relu_param { negative_slope: 0.25 }");

void FillNormal(Blob<float>* blob) {
  caffe::FillerParameter normal;
  normal.set_type("gaussian");
  caffe::GaussianFiller<float>(normal).Fill(blob);
}

// Statistics as a training leaves them: of a weight that is not 1.
void FillStatistics(caffe::Layer<float>* norm) {
  FillNormal(norm->blobs()[0].get());
  Blob<float>& variances = *norm->blobs()[1];
  FillNormal(&variances);
  for (int c = 0; c < variances.count(); ++c) {
    variances.mutable_cpu_data()[c] = 0.5f + std::fabs(variances.cpu_data()[c]);
  }
  norm->blobs()[2]->mutable_cpu_data()[0] = 1.5f;
}

struct Case {
  int channels, height, width;
  std::string convolution, layers;
};

// A convolution with these layers in place behind it, in inference.
NetPtr Infer(const Case& c, NetParameter::BlobLifetime lifetime,
             const std::string& head = "precision: FP32") {
  auto param = FromText<NetParameter>(
      head + " layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: " +
      std::to_string(c.channels) + " dim: " + std::to_string(c.height) +
      " dim: " + std::to_string(c.width) + " } } }\n" +
      "layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'y' convolution_param {"
      "  weight_filler { type: 'msra' } " +
      c.convolution + " } }\n" + c.layers);
  param.mutable_state()->set_phase(caffe::TEST);
  param.set_blob_lifetime(lifetime);
  caffe::Caffe::set_random_seed(1701);
  const auto net = boost::make_shared<Net<float>>(param);
  for (const auto& layer : net->layers()) {
    if (std::string(layer->type()) == "BatchNorm") FillStatistics(layer.get());
  }
  FillNormal(net->input_blobs()[0]);
  net->Forward();
  return net;
}

void ExpectClose(const Net<float>& net, const Net<float>& plain, double tolerance) {
  const Blob<float>& got = *net.output_blobs()[0];
  const Blob<float>& expected = *plain.output_blobs()[0];
  ASSERT_EQ(got.shape(), expected.shape());
  double largest = 0;
  for (int i = 0; i < expected.count(); ++i) {
    largest = std::max<double>(largest, std::fabs(expected.cpu_data()[i]));
  }
  for (int i = 0; i < expected.count(); ++i) {
    ASSERT_NEAR(got.cpu_data()[i], expected.cpu_data()[i], tolerance * largest) << i;
  }
}

// Whether all layers behind the input and the convolution are computed by the latter.
bool AreFused(const Net<float>& net, int layers) {
  for (int i = 2; i < 2 + layers; ++i) {
    if (!net.is_fused(i)) return false;
  }
  return true;
}

// Where fast convolutions are: not in builds without oneDNN, nor on the GPU.
bool ConvolutionsScale() {
#ifdef USE_ONEDNN
  return caffe::Caffe::mode() == caffe::Caffe::CPU;
#else
  return false;
#endif
}

// By Winograd's algorithm and oneDNN's kernels for many and few channels, 1x1 and strided taps,
// groups, and single channels; channels fill their last block up or not.
const char* const kConvolutions[] = {
    "num_output: 64 kernel_size: 3 pad: 1",
    "num_output: 40 kernel_size: 3 pad: 2 dilation: 2",
    "num_output: 64 kernel_size: 1 bias_term: false",
    "num_output: 20 kernel_size: 1 bias_filler { type: 'gaussian' }",
    "num_output: 5 kernel_size: 3 pad: 1",
    "num_output: 24 kernel_size: 7 stride: 2 pad: 3",
    "num_output: 32 kernel_size: 3 pad: 1 group: 2 bias_filler { type: 'gaussian' }",
    "num_output: 32 kernel_size: 3 pad: 1 group: 32 bias_term: false",
};

TEST(AffineLayers, AreComputedByTheConvolutionInFront) {
  for (const char* convolution : kConvolutions) {
    SCOPED_TRACE(convolution);
    for (const std::string& layers :
         {kBatchNorm, kScale, kBias + kRelu, kBatchNorm + kScale, kBatchNorm + kScale + kLeakyRelu,
          kScale + kBatchNorm + kBias + kRelu}) {
      SCOPED_TRACE(layers);
      const Case c = {32, 36, 41, convolution, layers};
      const auto net = Infer(c, NetParameter::UNTIL_READ);
      const auto plain = Infer(c, NetParameter::KEEP);
      const int behind = static_cast<int>(net->layers().size()) - 2;
      EXPECT_TRUE(!ConvolutionsScale() || AreFused(*net, behind));
      EXPECT_FALSE(plain->is_fused(2));
      ExpectClose(*net, *plain, 2e-5);
    }
  }
}

TEST(AffineLayers, OfBfloat16FeaturesAreComputedInFloat) {
  if (!caffe::dnn::HasBfloat16()) GTEST_SKIP() << "this processor has no bfloat16";
  for (const char* convolution : kConvolutions) {
    SCOPED_TRACE(convolution);
    const Case c = {32, 36, 41, convolution, kBatchNorm + kScale + kRelu};
    ExpectClose(*Infer(c, NetParameter::UNTIL_READ, "precision: BF16"),
                *Infer(c, NetParameter::KEEP), 0.02);
  }
}

TEST(AffineLayers, PassOnToPoolingInStrips) {
  const AsLarge as_large;
  const std::string pooling =
      "layer { name: 'pool' type: 'Pooling' bottom: 'y' top: 'pool'"
      " pooling_param { kernel_size: 2 stride: 2 } }";
  for (const char* convolution : kConvolutions) {
    SCOPED_TRACE(convolution);
    const Case c = {32, 36, 42, convolution, kBatchNorm + kScale + kRelu + pooling};
    const auto net = Infer(c, NetParameter::UNTIL_READ);
    EXPECT_TRUE(!ConvolutionsScale() || AreFused(*net, 4));
    ExpectClose(*net, *Infer(c, NetParameter::KEEP), 2e-5);
  }
}

// What lies before the strips' edges is padding, not what the layers make of it.
TEST(AffineLayers, PassOnToAConvolutionBehindThemAndItsPoolingInStrips) {
  const AsLarge as_large;
  const Case c = {3, 36, 42, "num_output: 16 kernel_size: 3 pad: 1",
                  kBatchNorm + kScale + kRelu + R"(
    layer { name: 'conv2' type: 'Convolution' bottom: 'y' top: 'z' convolution_param {
            num_output: 64 kernel_size: 3 pad: 1 weight_filler { type: 'msra' } } }
    layer { name: 'norm2' type: 'BatchNorm' bottom: 'z' top: 'z' }
    layer { name: 'pool' type: 'Pooling' bottom: 'z' top: 'pool'
            pooling_param { kernel_size: 2 stride: 2 } })"};
  const auto net = Infer(c, NetParameter::UNTIL_READ);
  EXPECT_TRUE(!ConvolutionsScale() || AreFused(*net, 6));
  ExpectClose(*net, *Infer(c, NetParameter::KEEP), 2e-5);
}

// As the test net of a solver, whose training net has the same blobs.
TEST(AffineLayers, HaveTheParametersOfTheMoment) {
  const Case c = {32, 20, 21, kConvolutions[0], kBatchNorm + kScale + kRelu};
  const auto net = Infer(c, NetParameter::UNTIL_READ);
  const auto plain = Infer(c, NetParameter::KEEP);
  for (const auto& each : {net, plain}) {
    caffe::Caffe::set_random_seed(3);
    for (const auto& blob : each->params()) FillNormal(blob.get());
    FillStatistics(each->layer_by_name("norm").get());
    each->Forward();
  }
  ExpectClose(*net, *plain, 2e-5);
}

TEST(AffineLayers, RunAtOtherSizesThanTheyWereFusedFor) {
  const Case c = {32, 36, 41, kConvolutions[0], kBatchNorm + kScale + kRelu};
  const auto net = Infer(c, NetParameter::UNTIL_READ);
  const auto plain = Infer(c, NetParameter::KEEP);
  for (const auto& each : {net, plain}) {
    each->input_blobs()[0]->Reshape({1, 32, 9, 3});
    caffe::Caffe::set_random_seed(3);
    FillNormal(each->input_blobs()[0]);
    each->Forward();
  }
  ExpectClose(*net, *plain, 2e-5);
}

TEST(AffineLayers, AreLeftWhereNothingIsWon) {
  const auto fuses = [](const std::string& convolution, const std::string& layers) {
    const Case c = {32, 20, 21, convolution, layers};
    const auto net = Infer(c, NetParameter::UNTIL_READ);
    ExpectClose(*net, *Infer(c, NetParameter::KEEP), 2e-5);
    return net->is_fused(2);
  };
  const std::string convolution = kConvolutions[0];
  EXPECT_FALSE(fuses(convolution + " engine: CAFFE", kBatchNorm + kScale + kRelu));
  EXPECT_FALSE(fuses(convolution, InPlace("name: 'norm' type: 'BatchNorm'"
                                          " batch_norm_param { use_global_stats: false }")));
  EXPECT_FALSE(fuses(convolution, InPlace("name: 'scale' type: 'Scale' scale_param { axis: 0"
                                          "  num_axes: 2 filler { type: 'gaussian' } }")));
  EXPECT_FALSE(fuses(convolution, InPlace("name: 'bias' type: 'Bias' bias_param { num_axes: 3"
                                          "  filler { type: 'gaussian' } }")));
}

}  // namespace
}  // namespace caffe_test
