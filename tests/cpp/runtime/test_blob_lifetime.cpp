// Nets that free their blobs early compute the same, and say so when asked for what is gone.

#include <cmath>

#include <gtest/gtest.h>

#include "as_large.hpp"
#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "errors.hpp"
#include "from_text.hpp"
#include "in_mode.hpp"

namespace caffe_test {
namespace {

using caffe::NetParameter;

// Shared memory (Split, Flatten, Reshape, a Concat of one), work in place, a frozen layer, an
// output that no loss reads, and a top whose diff nobody writes.
const char kNet[] = R"(
  layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 dim: 12 dim: 16 } } }
  layer { name: 't' type: 'Input' top: 't' input_param { shape { dim: 2 dim: 5 } } }
  layer { name: 'frozen' type: 'Convolution' bottom: 'x' top: 'frozen' param { lr_mult: 0 }
          param { lr_mult: 0 } convolution_param { num_output: 16 kernel_size: 3 pad: 1
          weight_filler { type: 'xavier' } } }
  layer { name: 'relu0' type: 'ReLU' bottom: 'frozen' top: 'frozen' }
  layer { name: 'a' type: 'Convolution' bottom: 'frozen' top: 'a' convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'bn' type: 'BatchNorm' bottom: 'a' top: 'a' }
  layer { name: 'scale' type: 'Scale' bottom: 'a' top: 'a' scale_param { bias_term: true } }
  layer { name: 'relu' type: 'ReLU' bottom: 'a' top: 'a' }
  layer { name: 'slice' type: 'Slice' bottom: 'a' top: 's0' top: 's1' slice_param { slice_point: 16 } }
  layer { name: 'pool' type: 'Pooling' bottom: 's0' top: 'pool' pooling_param {
          kernel_size: 2 stride: 2 } }
  layer { name: 'one' type: 'Concat' bottom: 'pool' top: 'one' }
  layer { name: 'b' type: 'Convolution' bottom: 'one' top: 'b' convolution_param {
          num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'sum' type: 'Eltwise' bottom: 'b' bottom: 'one' top: 'sum' }
  layer { name: 'drop' type: 'Dropout' bottom: 'sum' top: 'drop' }
  layer { name: 'flat' type: 'Flatten' bottom: 'drop' top: 'flat' }
  layer { name: 'again' type: 'Reshape' bottom: 'flat' top: 'again' reshape_param {
          shape { dim: 0 dim: -1 } } }
  layer { name: 'ip' type: 'InnerProduct' bottom: 'again' top: 'ip' inner_product_param {
          num_output: 5 weight_filler { type: 'xavier' } } }
  layer { name: 'loss' type: 'EuclideanLoss' bottom: 'ip' bottom: 't' top: 'loss' }
)";

std::unique_ptr<caffe::Net<float>> MakeNet(NetParameter::BlobLifetime lifetime,
                                           caffe::Phase phase) {
  auto param = FromText<NetParameter>(kNet);
  param.mutable_state()->set_phase(phase);
  param.set_blob_lifetime(lifetime);
  caffe::Caffe::set_random_seed(1701);
  auto net = std::make_unique<caffe::Net<float>>(param);
  for (caffe::Blob<float>* input : net->input_blobs()) {
    caffe::caffe_rng_gaussian<float>(input->count(), 0, 1, input->mutable_cpu_data());
  }
  return net;
}

// Nets that free their blobs also fuse layers, whose sums are made in another order.
void ExpectSame(const caffe::Blob<float>& a, const caffe::Blob<float>& b, bool diff) {
  const float* x = diff ? a.cpu_diff() : a.cpu_data();
  const float* y = diff ? b.cpu_diff() : b.cpu_data();
  float largest = 1e-1f;
  for (int i = 0; i < a.count(); ++i) largest = std::max(largest, std::fabs(y[i]));
  for (int i = 0; i < a.count(); ++i) ASSERT_NEAR(x[i], y[i], 1e-4 * largest) << i;
}

TEST(BlobLifetime, UntilBackwardTrainsToTheSameNumbers) {
  const auto lean = MakeNet(NetParameter::UNTIL_BACKWARD, caffe::TRAIN);
  const auto whole = MakeNet(NetParameter::KEEP, caffe::TRAIN);
  for (int pass = 0; pass < 3; ++pass) {
    float losses[2];
    for (int n = 0; n < 2; ++n) {
      const auto& net = n == 0 ? lean : whole;
      caffe::Caffe::set_random_seed(3 + pass);
      net->ClearParamDiffs();
      losses[n] = net->ForwardBackward();
    }
    EXPECT_NEAR(losses[0], losses[1], 1e-4 * losses[1]);
    for (size_t i = 0; i < lean->learnable_params().size(); ++i) {
      ExpectSame(*lean->learnable_params()[i], *whole->learnable_params()[i], true);
    }
  }
}

// A slope below 0 makes all features positive: they do not tell which ones the ReLU has scaled.
TEST(BlobLifetime, LeavesTheGradientsOfReLUsOfAnySlopeBehindConvolutions) {
  for (const float slope : {-0.5f, 0.f, 0.5f}) {
    auto param = FromText<NetParameter>(R"(
      layer { name: 'x' type: 'Input' top: 'x' input_param {
              shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
      layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'y' convolution_param {
              num_output: 16 kernel_size: 1 weight_filler { type: 'constant' value: 1 } } }
      layer { name: 'relu' type: 'ReLU' bottom: 'y' top: 'y' }
      layer { name: 'sum' type: 'Reduction' bottom: 'y' top: 'sum' loss_weight: 1 }
    )");
    param.mutable_layer(2)->mutable_relu_param()->set_negative_slope(slope);
    for (const auto lifetime : {NetParameter::UNTIL_BACKWARD, NetParameter::KEEP}) {
      param.set_blob_lifetime(lifetime);
      caffe::Net<float> net(param);
      const float x[] = {-2, -1, 1, 2};
      std::copy_n(x, 4, net.input_blobs()[0]->mutable_cpu_data());
      net.ClearParamDiffs();
      net.ForwardBackward();
      EXPECT_EQ(net.learnable_params()[0]->cpu_diff()[0], 3 - 3 * slope);
    }
  }
}

TEST(BlobLifetime, UntilReadGivesTheSameOutputs) {
  const auto lean = MakeNet(NetParameter::UNTIL_READ, caffe::TEST);
  const auto whole = MakeNet(NetParameter::KEEP, caffe::TEST);
  for (int pass = 0; pass < 2; ++pass) {
    lean->Forward();
    whole->Forward();
    for (int i = 0; i < whole->num_outputs(); ++i) {
      ExpectSame(*lean->output_blobs()[i], *whole->output_blobs()[i], false);
    }
  }
}

TEST(BlobLifetime, DecidesWhichBlobsAreLeft) {
  const auto net = MakeNet(NetParameter::UNTIL_BACKWARD, caffe::TRAIN);
  net->Forward();
  EXPECT_FALSE(net->blob_by_name("frozen")->data()->released()) << "'a' learns from it";
  EXPECT_FALSE(net->blob_by_name("one")->data()->released()) << "'b' learns from it";
  EXPECT_TRUE(net->blob_by_name("b")->data()->released()) << "the gradient of a sum needs no terms";
  net->Backward();
  for (const char* name : {"frozen", "a", "s0", "pool", "b", "sum", "drop", "flat", "ip"}) {
    EXPECT_TRUE(net->blob_by_name(name)->data()->released()) << name;
  }
  for (const char* name : {"a", "s0", "pool", "b", "sum", "drop", "ip"}) {
    EXPECT_TRUE(net->blob_by_name(name)->diff()->released()) << name;
  }
  for (const char* name : {"x", "t", "s1", "loss"}) {
    EXPECT_FALSE(net->blob_by_name(name)->data()->released()) << name;
    net->blob_by_name(name)->cpu_data();
  }
}

TEST(BlobLifetime, WithoutBackwardEndsWithTheLastReader) {
  const auto test = MakeNet(NetParameter::UNTIL_READ, caffe::TEST);
  test->Forward();
  for (const char* name : {"frozen", "a", "s0", "pool", "b", "sum", "drop", "flat", "ip"}) {
    EXPECT_TRUE(test->blob_by_name(name)->data()->released()) << name;
  }
}

TEST(BlobLifetime, ErrorsSayHowToReadABlobThatIsGone) {
  const auto net = MakeNet(NetParameter::UNTIL_READ, caffe::TEST);
  net->Forward();
  caffe::Blob<float>* blob = net->blob_by_name("a").get();
  EXPECT_ERROR_NAMES(blob->cpu_data(), "blob_lifetime: KEEP");
  EXPECT_ERROR_NAMES(blob->asum_data(), "blob_lifetime: KEEP");
  EXPECT_ERROR_NAMES(blob->sumsq_data(), "blob_lifetime: KEEP");
  EXPECT_ERROR_NAMES(blob->scale_data(2), "blob_lifetime: KEEP");
}

TEST(BlobLifetime, ParamDiffsAreGoneUntilBackwardAndReadAsZeros) {
  const auto net = MakeNet(NetParameter::UNTIL_BACKWARD, caffe::TRAIN);
  net->ForwardBackward();
  const caffe::Blob<float>& weights = *net->layer_by_name("a")->blobs()[0];
  EXPECT_NE(weights.asum_diff(), 0);
  net->ClearParamDiffs();
  EXPECT_EQ(weights.diff()->head(), caffe::SyncedMemory::UNINITIALIZED);
  EXPECT_EQ(weights.asum_diff(), 0);
}

TEST(BlobLifetime, InferenceKeepsWeightsInOneOrderOnly) {
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "one order serves the GPU";
  const auto lean = MakeNet(NetParameter::UNTIL_READ, caffe::TEST);
  const auto whole = MakeNet(NetParameter::KEEP, caffe::TEST);
  const auto& weights = *lean->layer_by_name("a")->blobs()[0];
  const auto& same = *whole->layer_by_name("a")->blobs()[0];
  lean->Forward();
  whole->Forward();
  if (!weights.data()->layout()) GTEST_SKIP() << "convolutions take plain weights here";
  EXPECT_EQ(weights.data()->head(), caffe::SyncedMemory::HEAD_AT_LAYOUT);
  EXPECT_EQ(same.data()->head(), caffe::SyncedMemory::HEAD_AT_CPU);
  for (int i = 0; i < weights.count(); ++i) ASSERT_EQ(weights.cpu_data()[i], same.cpu_data()[i]);
  // What somebody reads, or writes, later counts as before.
  caffe::Blob<float>& bias = *lean->layer_by_name("a")->blobs()[1];
  bias.mutable_cpu_data()[0] += 1;
  lean->layer_by_name("a")->blobs()[0]->scale_data(2);
  whole->layer_by_name("a")->blobs()[1]->mutable_cpu_data()[0] += 1;
  whole->layer_by_name("a")->blobs()[0]->scale_data(2);
  lean->Forward();
  whole->Forward();
  ExpectSame(*lean->output_blobs()[0], *whole->output_blobs()[0], false);
}

// Predicts with the net of this text from random numbers.
std::unique_ptr<caffe::Net<float>> Predict(const std::string& text,
                                           NetParameter::BlobLifetime lifetime) {
  auto param = FromText<NetParameter>(text);
  param.mutable_state()->set_phase(caffe::TEST);
  param.set_blob_lifetime(lifetime);
  caffe::Caffe::set_random_seed(1701);
  auto net = std::make_unique<caffe::Net<float>>(param);
  caffe::Blob<float>* x = net->input_blobs()[0];
  caffe::caffe_rng_gaussian<float>(x->count(), 0, 1, x->mutable_cpu_data());
  net->Forward();
  return net;
}

// A convolution with large features, which a net without Backward pools strip by strip; perhaps
// with another one in front, that has little to do.
std::unique_ptr<caffe::Net<float>> RunPooledNet(NetParameter::BlobLifetime lifetime, int height,
                                                const std::string& convolution,
                                                const std::string& pooling,
                                                const std::string& front = "") {
  return Predict(
      "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 3 dim: " +
          std::to_string(height) + " dim: 330 } } }" +
          (front.empty()
               ? ""
               : "layer { name: 'front' type: 'Convolution' bottom: 'x' top: 'front'"
                 "  convolution_param { num_output: 64 kernel_size: 3 weight_filler {"
                 "  type: 'xavier' } bias_filler { type: 'constant' value: -0.2 } " +
                     front +
                     " } }"
                     "layer { name: 'front_relu' type: 'ReLU' bottom: 'front' top: 'front' }") +
          "layer { name: 'conv' type: 'Convolution' bottom: '" + (front.empty() ? "x" : "front") +
          "' top: 'conv' convolution_param {"
          "  num_output: 64 kernel_size: 3 weight_filler { type: 'xavier' } bias_filler {"
          "  type: 'constant' value: 0.1 } " +
          convolution +
          " } }"
          "layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv' relu_param {"
          "  negative_slope: 0.2 } }"
          "layer { name: 'pool' type: 'Pooling' bottom: 'conv' top: 'pool' pooling_param { " +
          pooling + " } }",
      lifetime);
}

TEST(BlobLifetime, PooledStripsGiveTheSameOutputs) {
  const struct {
    int height;
    const char *convolution, *pooling;
  } cases[] = {{322, "pad: 1", "kernel_size: 2 stride: 2"},
               {321, "pad: 2 dilation: 2", "pool: AVE kernel_size: 3 stride: 3"},
               {645, "stride_h: 2 stride_w: 1", "kernel_size: 2 stride: 2"},
               {330, "pad: 1", "kernel_size: 3 stride: 2"}};
  for (const auto& c : cases) {
    const auto lean = RunPooledNet(NetParameter::UNTIL_READ, c.height, c.convolution, c.pooling);
    const auto whole = RunPooledNet(NetParameter::KEEP, c.height, c.convolution, c.pooling);
    const auto& pooled = *whole->blob_by_name("pool");
    ASSERT_EQ(lean->blob_by_name("pool")->shape(), pooled.shape());
    ExpectSame(*lean->blob_by_name("pool"), pooled, false);
    EXPECT_TRUE(lean->blob_by_name("conv")->data()->released());
    // There, nothing runs on strips.
    if (caffe::Caffe::mode() == caffe::Caffe::GPU) break;
  }
}

TEST(BlobLifetime, PooledStripsBehindAConvolutionGiveTheSameOutputs) {
  const struct {
    int height;
    const char *front, *convolution, *pooling;
  } cases[] = {{322, "pad: 1", "pad: 1", "kernel_size: 2 stride: 2"},
               {321, "pad: 3", "pad: 2 dilation: 2", "pool: AVE kernel_size: 3 stride: 3"},
               {645, "stride_h: 2 stride_w: 1 pad: 1", "pad: 1", "kernel_size: 2 stride: 2"},
               {330, "pad: 1", "pad: 1", "kernel_size: 3 stride: 2"}};
  for (const auto& c : cases) {
    const auto lean =
        RunPooledNet(NetParameter::UNTIL_READ, c.height, c.convolution, c.pooling, c.front);
    const auto whole =
        RunPooledNet(NetParameter::KEEP, c.height, c.convolution, c.pooling, c.front);
    ExpectSame(*lean->blob_by_name("pool"), *whole->blob_by_name("pool"), false);
    EXPECT_TRUE(lean->blob_by_name("front")->data()->released());
    EXPECT_EQ(lean->is_fused(lean->layer_names().size() - 3),
              caffe::Caffe::mode() == caffe::Caffe::CPU);
    if (caffe::Caffe::mode() == caffe::Caffe::GPU) break;
  }
}

// Expects a blob to be right whenever it is there, after each layer.
class Watcher : public caffe::Net<float>::Callback {
 public:
  Watcher(const caffe::Blob<float>& blob, const caffe::Blob<float>& right)
      : blob_(blob), right_(right) {}

 protected:
  void run(int) override {
    if (!blob_.data()->released()) ExpectSame(blob_, right_, false);
  }

 private:
  const caffe::Blob<float>&blob_, &right_;
};

TEST(BlobLifetime, PooledStripsWriteTheFeaturesThatSomebodyLooksAt) {
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "there, nothing runs on strips";
  const AsLarge as_large;
  const auto run = [](NetParameter::BlobLifetime lifetime) {
    return RunPooledNet(lifetime, 12, "pad: 1", "kernel_size: 2 stride: 2", "pad: 1");
  };
  const auto whole = run(NetParameter::KEEP);
  for (const std::string name : {"front", "conv"}) {
    const auto lean = run(NetParameter::UNTIL_READ);
    const caffe::Blob<float>& features = *lean->blob_by_name(name);
    const caffe::Blob<float>& right = *whole->blob_by_name(name);
    features.data()->Renew();
    auto view = features.data()->ViewCpuData();
    lean->Forward();
    EXPECT_EQ(features.cpu_data(), view.get());
    ExpectSame(features, right, false);
    ExpectSame(*lean->output_blobs()[0], *whole->output_blobs()[0], false);
    view.reset();
    Watcher watcher(features, right);
    lean->add_after_forward(&watcher);
    lean->Forward();
  }
}

// A layer that runs before its turn writes what the net has freed and not readied yet.
TEST(BlobLifetime, ALayerWithoutFastKernelsRunsBehindAConvolution) {
  const AsLarge as_large;
  const auto run_twice = [](NetParameter::BlobLifetime lifetime) {
    auto net = Predict(R"(
      layer { name: 'x' type: 'Input' top: 'x' input_param {
              shape { dim: 1 dim: 5 dim: 9 dim: 8 } } }
      layer { name: 'front' type: 'Convolution' bottom: 'x' top: 'front' convolution_param {
              num_output: 64 kernel_size: 1 weight_filler { type: 'xavier' } } }
      layer { name: 'conv' type: 'Convolution' bottom: 'front' top: 'conv' convolution_param {
              num_output: 8 group: 2 kernel_size: 7 pad: 3 stride: 2
              weight_filler { type: 'xavier' } } }
      layer { name: 'pool' type: 'Pooling' bottom: 'conv' top: 'pool' pooling_param {
              kernel_size: 2 stride: 2 } }
    )",
                       lifetime);
    net->Forward();
    return net;
  };
  const auto lean = run_twice(NetParameter::UNTIL_READ), whole = run_twice(NetParameter::KEEP);
  ExpectSame(*lean->output_blobs()[0], *whole->output_blobs()[0], false);
}

// A net is fused for the size that it is made with, and runs at others.
TEST(BlobLifetime, PooledStripsLeaveOtherSizesRight) {
  const auto run_small = [](NetParameter::BlobLifetime lifetime) {
    auto net = RunPooledNet(lifetime, 322, "pad: 1", "kernel_size: 2 stride: 2", "pad: 1");
    net->input_blobs()[0]->Reshape({1, 3, 3, 3});
    caffe::caffe_set<float>(27, 0.5, net->input_blobs()[0]->mutable_cpu_data());
    net->Forward();
    net->Forward();
    return net;
  };
  const auto lean = run_small(NetParameter::UNTIL_READ), whole = run_small(NetParameter::KEEP);
  ExpectSame(*lean->output_blobs()[0], *whole->output_blobs()[0], false);
}

TEST(BlobLifetime, ParametersOfALeanNetInBfloat16AreRoundedButResultsStay) {
  auto param = FromText<NetParameter>(
      "precision: BF16 blob_lifetime: UNTIL_READ layer { name: 'x' type: 'Input' top: 'x'"
      "  input_param { shape { dim: 1 dim: 16 dim: 20 dim: 24 } } }"
      "layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'conv' convolution_param {"
      "  num_output: 32 kernel_size: 3 weight_filler { type: 'xavier' } } }");
  param.mutable_state()->set_phase(caffe::TEST);
  caffe::Net<float> net(param);
  caffe::Blob<float>* x = net.input_blobs()[0];
  caffe::caffe_rng_gaussian<float>(x->count(), 0, 1, x->mutable_cpu_data());
  const caffe::Blob<float>& weights = *net.params()[0];
  const std::vector<float> exact(weights.cpu_data(), weights.cpu_data() + weights.count());
  net.Forward();
  const caffe::Blob<float>& y = *net.output_blobs()[0];
  const std::vector<float> first(y.cpu_data(), y.cpu_data() + y.count());
  for (size_t i = 0; i < exact.size(); ++i) {
    ASSERT_NEAR(weights.cpu_data()[i], exact[i], std::abs(exact[i]) / 256);
  }
  net.Forward();
  EXPECT_TRUE(std::equal(first.begin(), first.end(), y.cpu_data()));
}

TEST(BlobLifetime, FusedLayersRefuseToRunInAnotherMode) {
  const InMode in_cpu_mode(caffe::Caffe::CPU);
  const auto net = MakeNet(NetParameter::UNTIL_BACKWARD, caffe::TRAIN);
  net->Forward();
  caffe::Caffe::set_mode(caffe::Caffe::GPU);
  EXPECT_THROW(net->Backward(), caffe::Error);
  try {
    net->Forward();
    FAIL() << "ReLU and Scale would have been left out";
  } catch (const caffe::Error& error) {
    EXPECT_NE(std::string(error.what()).find("set the mode before"), std::string::npos);
  }
  caffe::Caffe::set_mode(caffe::Caffe::CPU);
  net->Forward();
}

}  // namespace
}  // namespace caffe_test
