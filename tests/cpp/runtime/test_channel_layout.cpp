// Blobs in blocks of channels: reordering, and that layers pass them on as they are.

#include <cstdlib>
#include <functional>

#include <boost/make_shared.hpp>
#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "dnn/precision.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Caffe;
using caffe::SyncedMemory;

// Convolutions with everything that usually stands between them.
const char kNet[] = R"(
  force_backward: true
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 12 dim: 16 } } }
  layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1"
          convolution_param { num_output: 32 kernel_size: 3 pad: 1 bias_term: false ENGINE } }
  layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "bn1" }
  layer { name: "scale1" type: "Scale" bottom: "bn1" top: "bn1" scale_param { bias_term: true } }
  layer { name: "relu1" type: "ReLU" bottom: "bn1" top: "bn1" }
  layer { name: "pool1" type: "Pooling" bottom: "bn1" top: "pool1" top: "mask"
          pooling_param { kernel_size: 2 stride: 2 } }
  layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
          convolution_param { num_output: 32 kernel_size: 3 pad: 1 ENGINE } }
  layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
  layer { name: "sum" type: "Eltwise" bottom: "conv2" bottom: "pool1" top: "sum" }
  layer { name: "up" type: "Upsample" bottom: "sum" bottom: "mask" top: "up" }
  layer { name: "both" type: "Concat" bottom: "up" bottom: "bn1" top: "both" }
  layer { name: "conv3" type: "Convolution" bottom: "both" top: "conv3"
          convolution_param { num_output: 16 kernel_size: 1 ENGINE } }
  layer { name: "up2" type: "Deconvolution" bottom: "conv3" top: "up2"
          convolution_param { num_output: 16 kernel_size: 4 stride: 2 pad: 1
                              ENGINE } }
  layer { name: "out" type: "Interp" bottom: "up2" top: "out" interp_param { height: 9 width: 13 } })";

// The net after one forward and one backward pass.
template <typename Dtype>
std::unique_ptr<caffe::Net<Dtype>> RunNet(
    const std::string& engine,
    const std::function<void(caffe::NetParameter*)>& change = [](caffe::NetParameter*) {}) {
  std::string text = kNet;
  for (size_t at; (at = text.find("ENGINE")) != std::string::npos;) text.replace(at, 6, engine);
  auto param = FromText<caffe::NetParameter>(text);
  param.mutable_state()->set_phase(caffe::TRAIN);
  change(&param);
  caffe::Caffe::set_random_seed(1701);
  auto net = std::make_unique<caffe::Net<Dtype>>(param);
  const auto fill = [](int count, Dtype* values) {
    // The same numbers in both precisions.
    for (int i = 0; i < count; ++i) values[i] = Dtype((i * 7919 % 1009 - 504) / 512.);
  };
  Blob<Dtype>* x = net->input_blobs()[0];
  fill(x->count(), x->mutable_cpu_data());
  for (const auto& blob : net->learnable_params()) fill(blob->count(), blob->mutable_cpu_data());
  net->Forward();
  Blob<Dtype>* out = net->output_blobs()[0];
  fill(out->count(), out->mutable_cpu_diff());
  net->ClearParamDiffs();
  net->Backward();
  return net;
}

template <typename Dtype>
void ExpectSameDiffs(const Blob<float>& got, const Blob<Dtype>& expected, const std::string& what,
                     double tolerance = 1e-4) {
  double largest = 1e-3;
  for (int i = 0; i < expected.count(); ++i) {
    largest = std::max(largest, std::fabs(double(expected.cpu_diff()[i])));
  }
  for (int i = 0; i < expected.count(); ++i) {
    ASSERT_NEAR(got.cpu_diff()[i], expected.cpu_diff()[i], tolerance * largest) << what << " " << i;
  }
}

TEST(ChannelLayout, OfAWholeNetGivesThePlainNetsResults) {
  const auto blocked = RunNet<float>("");
  const auto plain = RunNet<float>("engine: CAFFE");
  const auto& y = *plain->output_blobs()[0];
  for (int i = 0; i < y.count(); ++i) {
    ASSERT_NEAR(blocked->output_blobs()[0]->cpu_data()[i], y.cpu_data()[i], 1e-4) << i;
  }
  ExpectSameDiffs(*blocked->blob_by_name("x"), *plain->blob_by_name("x"), "x");
  for (size_t p = 0; p < plain->learnable_params().size(); ++p) {
    ExpectSameDiffs(*blocked->learnable_params()[p], *plain->learnable_params()[p],
                    "parameter " + std::to_string(p));
  }
}

// Results of a net are those of the plain one but for `tolerance` of the largest.
void ExpectPlainNetsResults(const caffe::Net<float>& net, double tolerance) {
  const auto plain = RunNet<double>("engine: CAFFE");
  const auto& y = *plain->output_blobs()[0];
  double largest = 0;
  for (int i = 0; i < y.count(); ++i) largest = std::max(largest, std::fabs(y.cpu_data()[i]));
  for (int i = 0; i < y.count(); ++i) {
    ASSERT_NEAR(net.output_blobs()[0]->cpu_data()[i], y.cpu_data()[i], tolerance * largest) << i;
  }
  ExpectSameDiffs(*net.blob_by_name("x"), *plain->blob_by_name("x"), "x", tolerance);
  for (size_t p = 0; p < plain->learnable_params().size(); ++p) {
    ExpectSameDiffs(*net.learnable_params()[p], *plain->learnable_params()[p],
                    "parameter " + std::to_string(p), tolerance);
  }
}

TEST(FusedLayers, GiveTheResultsOfLayersOneByOne) {
  const auto net = RunNet<float>("", [](caffe::NetParameter* param) {
    param->set_blob_lifetime(caffe::NetParameter::UNTIL_BACKWARD);
  });
  for (size_t i = 0; i < net->layers().size(); ++i) {
    const std::string& name = net->layer_names()[i];
    EXPECT_EQ(net->is_fused(i), name == "scale1" || name == "relu1" || name == "relu2") << name;
  }
  ExpectPlainNetsResults(*net, 1e-4);
}

// A convolution whose bias counts in the means of the BatchNorm behind it.
caffe::shared_ptr<caffe::Net<float>> BiasBeforeBatchNorm(caffe::Phase phase,
                                                         caffe::NetParameter::BlobLifetime lifetime,
                                                         bool scale = true) {
  auto param = FromText<caffe::NetParameter>(R"(
    layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 3 dim: 2 dim: 7 dim: 6 } } }
    layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'y' convolution_param {
            num_output: 8 kernel_size: 3 weight_filler { type: 'xavier' }
            bias_filler { type: 'uniform' min: 1 max: 3 } } }
    layer { name: 'norm' type: 'BatchNorm' bottom: 'y' top: 'y' }
    layer { name: 'scale' type: 'Scale' bottom: 'y' top: 'y' scale_param { bias_term: true } }
    layer { name: 'relu' type: 'ReLU' bottom: 'y' top: 'y' }
    layer { name: 'loss' type: 'Reduction' bottom: 'y' top: 'loss' loss_weight: 1
            reduction_param { operation: SUMSQ } })");
  if (!scale) param.mutable_layer()->DeleteSubrange(3, 1);
  param.mutable_state()->set_phase(phase);
  param.set_blob_lifetime(lifetime);
  caffe::Caffe::set_random_seed(1701);
  const auto net = boost::make_shared<caffe::Net<float>>(param);
  caffe::Blob<float>* x = net->input_blobs()[0];
  for (int i = 0; i < x->count(); ++i) x->mutable_cpu_data()[i] = float(i * 7919 % 101) / 50;
  return net;
}

float LossOf(const caffe::Net<float>& net) { return net.blob_by_name("loss")->cpu_data()[0]; }

// A batch's mean takes away what a bias adds to all, so that on the GPU nobody adds it.
void ExpectBiasInRunningMeans(bool scale) {
  const auto run = [=](caffe::NetParameter::BlobLifetime lifetime) {
    const auto net = BiasBeforeBatchNorm(caffe::TRAIN, lifetime, scale);
    net->ClearParamDiffs();
    net->ForwardBackward();
    return net;
  };
  const auto fused = run(caffe::NetParameter::UNTIL_BACKWARD);
  const auto plain = run(caffe::NetParameter::KEEP);
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) {
    EXPECT_EQ(fused->params()[1]->asum_diff(), 0);
  }
  EXPECT_NEAR(LossOf(*fused), LossOf(*plain), 1e-2);
  for (size_t p = 0; p < plain->params().size(); ++p) {
    const auto& got = *fused->params()[p];
    const auto& expected = *plain->params()[p];
    for (int i = 0; i < expected.count(); ++i) {
      EXPECT_NEAR(got.cpu_data()[i], expected.cpu_data()[i], 1e-5) << p << " at " << i;
      EXPECT_NEAR(got.cpu_diff()[i], expected.cpu_diff()[i], 2e-3) << p << " at " << i;
    }
  }
}

TEST(FusedLayers, CountABiasBeforeBatchNormInItsRunningMeans) {
  ExpectBiasInRunningMeans(true);
  ExpectBiasInRunningMeans(false);
}

void ExpectBiasTakenFromRunningMeans(bool scale) {
  const auto loss = [=](caffe::NetParameter::BlobLifetime lifetime) {
    const auto net = BiasBeforeBatchNorm(caffe::TEST, lifetime, scale);
    const auto& statistics = net->layer_by_name("norm")->blobs();
    for (const auto& blob : statistics)
      caffe::caffe_set(blob->count(), 1.5f, blob->mutable_cpu_data());
    net->Forward();
    return LossOf(*net);
  };
  const float expected = loss(caffe::NetParameter::KEEP);
  EXPECT_GT(expected, 1);
  EXPECT_NEAR(loss(caffe::NetParameter::UNTIL_READ), expected, 1e-4 * expected);
  EXPECT_NEAR(loss(caffe::NetParameter::UNTIL_BACKWARD), expected, 1e-4 * expected);
}

TEST(FusedLayers, SubtractABiasFromTheRunningMeansOfBatchNorm) {
  ExpectBiasTakenFromRunningMeans(true);
  ExpectBiasTakenFromRunningMeans(false);
}

TEST(FusedLayers, RefuseAnotherModeWhereABiasIsLeftOut) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "on the CPU it never is";
  const auto net = BiasBeforeBatchNorm(caffe::TEST, caffe::NetParameter::UNTIL_READ, false);
  caffe::Caffe::set_mode(caffe::Caffe::CPU);
  EXPECT_THROW(net->Forward(), caffe::Error);
  caffe::Caffe::set_mode(caffe::Caffe::GPU);
  net->Forward();
}

// The root of the mean square of the differences, as a share of that of the expected values.
double RelativeError(int count, const float* got, const double* expected) {
  double error = 0, size = 1e-12;
  for (int i = 0; i < count; ++i) {
    error += (got[i] - expected[i]) * (got[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(error / size);
}

TEST(Bfloat16, GivesTheResultsOfFloatButForRounding) {
  // Here and there another place of a pooling window is the largest, or a ReLU lets pass what it
  // did not, so that not all elements are close.
  const auto plain = RunNet<double>("engine: CAFFE");
  for (const auto lifetime : {caffe::NetParameter::KEEP, caffe::NetParameter::UNTIL_BACKWARD}) {
    const auto net = RunNet<float>("", [=](caffe::NetParameter* param) {
      param->set_precision(caffe::BF16);
      param->set_blob_lifetime(lifetime);
    });
    const auto& y = *plain->output_blobs()[0];
    EXPECT_LT(RelativeError(y.count(), net->output_blobs()[0]->cpu_data(), y.cpu_data()), 0.05);
    for (size_t p = 0; p < plain->learnable_params().size(); ++p) {
      const auto& expected = *plain->learnable_params()[p];
      const float* got = net->learnable_params()[p]->cpu_diff();
      EXPECT_LT(RelativeError(expected.count(), got, expected.cpu_diff()), 0.25) << p;
    }
  }
}

// Layers that read and write bfloat16, behind convolutions.
const char kRoundedNet[] = R"(
  precision: BF16
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 12 dim: 16 } } }
  layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
  layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
  layer { name: "sum" type: "Eltwise" bottom: "conv1" bottom: "conv2" top: "sum"
          eltwise_param { coeff: 0.5 coeff: -2 } }
  layer { name: "pool" type: "Pooling" bottom: "sum" top: "pool" top: "mask"
          pooling_param { kernel_size: 2 stride: 2 } }
  layer { name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up" }
  layer { name: "conv3" type: "Convolution" bottom: "up" top: "conv3" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } })";

bool IsRounded(int count, const float* values) {
  for (int i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof(bits));
    if (bits & 0xffffu) return false;
  }
  return true;
}

TEST(Bfloat16, IsWhatBlobsBetweenConvolutionsHold) {
  auto param = FromText<caffe::NetParameter>(kRoundedNet);
  caffe::Caffe::set_random_seed(1701);
  caffe::Net<float> net(param);
  Blob<float>* x = net.input_blobs()[0];
  caffe::caffe_rng_gaussian<float>(x->count(), 0, 1, x->mutable_cpu_data());
  net.Forward();
  if (!net.blob_by_name("conv1")->data()->layout() || !caffe::dnn::HasBfloat16()) {
    GTEST_SKIP() << "built without oneDNN, or this processor has no bfloat16";
  }
  Blob<float>* out = net.output_blobs()[0];
  caffe::caffe_rng_gaussian<float>(out->count(), 0, 1, out->mutable_cpu_diff());
  net.Backward();
  for (const char* name : {"conv1", "conv2", "sum", "pool", "up"}) {
    const Blob<float>& blob = *net.blob_by_name(name);
    EXPECT_TRUE(IsRounded(blob.count(), blob.cpu_data())) << name;
    EXPECT_TRUE(IsRounded(blob.count(), blob.cpu_diff())) << name << "'s diff";
  }
  const float *a = net.blob_by_name("conv1")->cpu_data(),
              *b = net.blob_by_name("conv2")->cpu_data();
  const float* sum = net.blob_by_name("sum")->cpu_data();
  for (int i = 0; i < net.blob_by_name("sum")->count(); ++i) {
    const float expected = 0.5f * a[i] - 2 * b[i];
    ASSERT_NEAR(sum[i], expected, std::fabs(expected) / 256) << i;
  }
}

// Kernels for older processors want plain memory here and there.
bool LacksAvx2() {
#ifdef __x86_64__
  return !__builtin_cpu_supports("avx2") || std::getenv("ONEDNN_MAX_CPU_ISA");
#else
  return false;
#endif
}

TEST(ChannelLayout, IsLeftAloneFromConvolutionToConvolution) {
  const auto net = RunNet<float>("");
  if (!net->blob_by_name("conv1")->data()->layout() || LacksAvx2()) {
    GTEST_SKIP() << "built without oneDNN, or it prefers plain memory on this processor";
  }
  for (const char* name :
       {"conv1", "bn1", "pool1", "mask", "conv2", "sum", "up", "both", "conv3", "up2"}) {
    EXPECT_EQ(net->blob_by_name(name)->data()->head(), SyncedMemory::HEAD_AT_LAYOUT) << name;
  }
  // The net's output, to which the program may keep a pointer.
  EXPECT_EQ(net->blob_by_name("out")->data()->head(), SyncedMemory::HEAD_AT_CPU);
  for (const char* name : {"conv1", "pool1", "conv2", "up", "both", "conv3"}) {
    EXPECT_EQ(net->blob_by_name(name)->diff()->head(), SyncedMemory::HEAD_AT_LAYOUT) << name;
  }
}

TEST(ChannelLayout, GivesTheSameBitsEveryTime) {
  const auto first = RunNet<float>(""), second = RunNet<float>("");
  for (size_t p = 0; p < first->learnable_params().size(); ++p) {
    const Blob<float>& a = *first->learnable_params()[p];
    const Blob<float>& b = *second->learnable_params()[p];
    EXPECT_EQ(std::memcmp(a.cpu_diff(), b.cpu_diff(), sizeof(float) * a.count()), 0) << p;
  }
}

TEST(ChannelLayout, SeesWhatIsWrittenIntoPlainMemory) {
  const auto net = RunNet<float>("");
  Blob<float>* conv1 = net->blob_by_name("conv1").get();
  caffe::caffe_set(conv1->count(), 0.f, conv1->mutable_cpu_data());
  net->ForwardFrom(2);
  const auto& shift = net->layers()[3]->blobs()[1];
  const Blob<float>& bn1 = *net->blob_by_name("bn1");
  for (int c = 0; c < 32; ++c) {
    EXPECT_NEAR(bn1.data_at(1, c, 5, 7), std::max(0.f, shift->cpu_data()[c]), 1e-5);
  }
}

}  // namespace
}  // namespace caffe_test
