// A convolution's ReLU whose Backward the max-pooling behind it does: neither keeps the features.

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "blob_values.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "channel_orders.hpp"
#include "from_text.hpp"
#include "layer_run.hpp"

namespace caffe_test {
namespace {

using caffe::Net;
using caffe::NetParameter;

// ---- the layer ----

std::string MaxPooling(const std::string& options) {
  return "type: 'Pooling' pooling_param { " + options + " }";
}

bool RectifyDiff(caffe::Layer<float>* layer) {
  return dynamic_cast<caffe::PoolingLayer<float>*>(layer)->RectifyDiff();
}

// Equal values, zeros of both signs, and NaN at the begin and at the end of windows.
std::vector<float> OddNumbers(int count) {
  std::vector<float> values = Numbers(count, 3);
  for (int i = 0; i < count; ++i) {
    if (i % 3 == 0) values[i] = std::min(values[i], 0.f);
    if (i % 11 == 0) values[i] = -0.f;
    if (i % 29 == 0) values[i] = std::numeric_limits<float>::quiet_NaN();
  }
  return values;
}

// The diff by its definition: the first of equal maxima gets what is its window's, if it is above
// 0.
std::vector<float> ExpectedDiff(const Shape& shape, const std::vector<float>& x,
                                const std::vector<float>& dy, int kernel_h, int kernel_w) {
  std::vector<float> dx(x.size(), 0.f);
  size_t o = 0;
  for (int plane = 0; plane < shape[0] * shape[1]; ++plane) {
    for (int top = 0; top < shape[2]; top += kernel_h) {
      for (int left = 0; left < shape[3]; left += kernel_w, ++o) {
        const auto at = [&](int h, int w) { return (plane * shape[2] + h) * shape[3] + w; };
        int best = at(top, left);
        for (int h = top; h < std::min(top + kernel_h, shape[2]); ++h) {
          for (int w = left; w < std::min(left + kernel_w, shape[3]); ++w) {
            if (x[at(h, w)] > x[best]) best = at(h, w);
          }
        }
        if (x[best] > 0) dx[best] = dy.at(o);
      }
    }
  }
  return dx;
}

void ExpectRectified(const Order* order, const Shape& shape, int kernel_h, int kernel_w) {
  const caffe::OutermostRun net;
  LayerCase<float> pool(MaxPooling(
      "kernel_h: " + std::to_string(kernel_h) + " stride_h: " + std::to_string(kernel_h) +
      " kernel_w: " + std::to_string(kernel_w) + " stride_w: " + std::to_string(kernel_w)));
  const auto x = OddNumbers(shape[0] * shape[1] * shape[2] * shape[3]);
  pool.Bottom(shape, x);
  pool.layer->SetUp(pool.bottom, pool.top);
  ASSERT_TRUE(RectifyDiff(pool.layer.get()));
  EXPECT_FALSE(pool.layer->BackwardReadsBottom(0));
  for (int pass = 0; pass < 2; ++pass) {
    pool.bottom[0]->data()->Renew();
    std::copy(x.begin(), x.end(), pool.bottom[0]->mutable_cpu_data());
    if (order) Arrange(*order, Part::kData, pool.bottom[0]);
    pool.layer->Forward(pool.bottom, pool.top);
    ExpectKept(order, Part::kData, *pool.top[0]);
    pool.bottom[0]->data()->Release();
    const auto dy = Numbers(pool.top[0]->count(), 100 + pass);
    std::copy(dy.begin(), dy.end(), pool.top[0]->mutable_cpu_diff());
    if (order && pass == 0) Arrange(*order, Part::kDiff, pool.top[0]);  // else plain
    pool.layer->Backward(pool.top, {true}, pool.bottom);
    if (pass == 0) ExpectKept(order, Part::kDiff, *pool.bottom[0]);
    EXPECT_EQ(pool.Diff(), ExpectedDiff(shape, x, dy, kernel_h, kernel_w))
        << (order ? order->name : "plain") << ", pass " << pass;
  }
}

TEST(RectifiedPooling, PassesGradientsToPositiveMaximaWithoutItsBottom) {
  ExpectRectified(nullptr, {2, 3, 6, 8}, 2, 2);
  ExpectRectified(nullptr, {2, 3, 7, 5}, 2, 2);
  ExpectRectified(nullptr, {2, 3, 7, 8}, 3, 2);
  ExpectRectified(nullptr, {1, 2, 20, 31}, 15, 17);
  for (const Order& order : Orders()) {
    ExpectRectified(&order, {2, 48, 7, 5}, 2, 2);
    ExpectRectified(&order, {1, 48, 8, 7}, 3, 2);
    ExpectRectified(&order, {1, 48, 20, 31}, 15, 17);
  }
}

TEST(RectifiedPooling, IsOfWindowsSideBySideOnly) {
  const auto agrees = [](const std::string& options, int tops = 1) {
    LayerCase<float> pool(MaxPooling(options), tops);
    pool.Bottom({1, 2, 32, 32}).layer->SetUp(pool.bottom, pool.top);
    const bool rectifies = RectifyDiff(pool.layer.get());
    EXPECT_EQ(pool.layer->BackwardReadsBottom(0),
              !rectifies && tops == 1 && options.find("AVE") == std::string::npos);
    return rectifies;
  };
  EXPECT_TRUE(agrees("kernel_size: 2 stride: 2"));
  EXPECT_FALSE(agrees("kernel_size: 2 stride: 2", 2)) << "the mask tells the places";
  EXPECT_FALSE(agrees("kernel_size: 2 stride: 2 pool: AVE"));
  EXPECT_FALSE(agrees("kernel_size: 3 stride: 2"));
  EXPECT_FALSE(agrees("kernel_size: 2 stride: 2 pad: 1"));
  EXPECT_FALSE(agrees("kernel_size: 2 stride: 2 round_mode: FLOOR")) << "not at odd sizes";
  EXPECT_FALSE(agrees("global_pooling: true")) << "not at any size";
  EXPECT_FALSE(agrees("kernel_size: 16 stride: 16")) << "no number is left for 'nowhere'";
}

// A layer of somebody else's, with a gradient of its own.
class OwnPooling : public caffe::PoolingLayer<float> {
 public:
  using PoolingLayer::PoolingLayer;
};

TEST(RectifiedPooling, IsNotAskedOfDerivedClasses) {
  OwnPooling pool(FromText<caffe::LayerParameter>(MaxPooling("kernel_size: 2 stride: 2")));
  caffe::Blob<float> bottom(Shape{1, 2, 4, 4}), top;
  pool.SetUp({&bottom}, {&top});
  EXPECT_FALSE(pool.RectifyDiff());
}

TEST(RectifiedPooling, SaysThatThePlacesAreGone) {
  LayerCase<float> pool(MaxPooling("kernel_size: 2 stride: 2"));
  pool.Bottom({1, 2, 4, 4}).layer->SetUp(pool.bottom, pool.top);
  ASSERT_TRUE(RectifyDiff(pool.layer.get()));
  pool.Forward();
  pool.Backward(std::vector<float>(8, 1));
  EXPECT_ERROR_NAMES(pool.Backward(), "run Forward again");
}

// ---- in a net ----

// `pool1` can have the ReLU's Backward, `low` hinders `pool2`.
template <typename Dtype>
std::unique_ptr<Net<Dtype>> MakeNet(NetParameter::BlobLifetime lifetime,
                                    const std::string& pooling = "",
                                    caffe::Precision precision = caffe::FP32,
                                    const std::string& slope = "0",
                                    const std::string& engine = "DEFAULT") {
  const auto convolution = [&](const std::string& name, const std::string& bottom, int channels) {
    return "layer { name: '" + name + "' type: 'Convolution' bottom: '" + bottom + "' top: '" +
           name +
           "' convolution_param { kernel_size: 3 pad: 1 num_output: " + std::to_string(channels) +
           " engine: " + engine +
           " weight_filler { type: 'xavier' } bias_filler { type: 'constant' value: 0.01 } } }"
           "layer { name: 'relu_" +
           name + "' type: 'ReLU' bottom: '" + name + "' top: '" + name +
           "' relu_param { negative_slope: " + slope + " } }";
  };
  const auto pool = [&](const std::string& name, const std::string& bottom) {
    return "layer { name: '" + name + "' type: 'Pooling' bottom: '" + bottom + "' top: '" + name +
           "' pooling_param { kernel_size: 2 stride: 2 " + pooling + " } }";
  };
  auto param = FromText<NetParameter>(
      "layer { name: 'x' type: 'Input' top: 'x' top: 't' input_param {"
      "  shape { dim: 2 dim: 3 dim: 16 dim: 24 } shape { dim: 2 dim: 1 } } }" +
      convolution("conv1", "x", 16) + pool("pool1", "conv1") + convolution("conv2", "pool1", 32) +
      pool("pool2", "conv2") +
      "layer { name: 'low' type: 'Convolution' bottom: 'conv2' top: 'low' convolution_param {"
      "  kernel_size: 2 stride: 2 num_output: 32 weight_filler { type: 'xavier' } } }"
      "layer { name: 'sum' type: 'Eltwise' bottom: 'pool2' bottom: 'low' top: 'sum' }"
      "layer { name: 'ip' type: 'InnerProduct' bottom: 'sum' top: 'ip' inner_product_param {"
      "  num_output: 1 weight_filler { type: 'xavier' } } }"
      "layer { name: 'loss' type: 'EuclideanLoss' bottom: 'ip' bottom: 't' top: 'loss' }");
  param.mutable_state()->set_phase(caffe::TRAIN);
  param.set_blob_lifetime(lifetime);
  param.set_precision(precision);
  caffe::Caffe::set_random_seed(1701);
  auto net = std::make_unique<Net<Dtype>>(param);
  for (caffe::Blob<Dtype>* input : net->input_blobs()) {
    caffe::caffe_rng_gaussian<Dtype>(input->count(), 0, 1, input->mutable_cpu_data());
  }
  return net;
}

// Bytes of the blobs' data that are there, as plain values.
template <typename Dtype>
size_t KeptBytes(const Net<Dtype>& net) {
  size_t bytes = 0;
  std::map<const caffe::SyncedMemory*, size_t> memories;  // some blobs share one
  for (const auto& blob : net.blobs()) {
    if (!blob->data()->released()) memories[blob->data().get()] = blob->data()->size();
  }
  for (const auto& memory : memories) bytes += memory.second;
  return bytes;
}

TEST(RectifiedPooling, FreesTheFeaturesInForward) {
  const auto net = MakeNet<float>(NetParameter::UNTIL_BACKWARD);
  // Rounded down, the windows are the same here, but may not be so in the next pass.
  const auto other = MakeNet<float>(NetParameter::UNTIL_BACKWARD, "round_mode: FLOOR");
  for (int pass = 0; pass < 2; ++pass) {
    net->Forward();
    other->Forward();
    EXPECT_TRUE(net->blob_by_name("conv1")->data()->released());
    EXPECT_FALSE(other->blob_by_name("conv1")->data()->released());
    EXPECT_FALSE(net->blob_by_name("conv2")->data()->released()) << "'low' learns from it";
    EXPECT_EQ(KeptBytes(*other) - KeptBytes(*net), other->blob_by_name("conv1")->data()->size());
    net->ClearParamDiffs();
    net->Backward();
    other->Backward();
  }
}

// Sums of a bias are made in another order on the GPU.
template <typename Dtype>
void ExpectSameGradients(const Net<Dtype>& net, const Net<Dtype>& other, double tolerance) {
  for (size_t i = 0; i < net.learnable_params().size(); ++i) {
    const caffe::Blob<Dtype>&a = *net.learnable_params()[i], &b = *other.learnable_params()[i];
    EXPECT_GT(b.asum_diff(), 0);
    const bool is_bias = a.num_axes() == 1;
    for (int k = 0; k < a.count(); ++k) {
      const double expected = b.cpu_diff()[k];
      const double allowed = is_bias ? std::max(tolerance, 1e-5) : tolerance;
      ASSERT_NEAR(a.cpu_diff()[k], expected, allowed * std::max(1., std::fabs(expected)))
          << "parameter " << i << " at " << k;
    }
  }
}

// Compares the gradients of two nets, for batches of two sizes.
template <typename Dtype>
void ExpectTrainAlike(const std::unique_ptr<Net<Dtype>>& net,
                      const std::unique_ptr<Net<Dtype>>& other, double tolerance) {
  for (const int batch : {2, 3}) {
    for (Net<Dtype>* each : {net.get(), other.get()}) {
      caffe::Caffe::set_random_seed(batch);
      for (caffe::Blob<Dtype>* input : each->input_blobs()) {
        auto shape = input->shape();
        shape[0] = batch;
        input->Reshape(shape);
        caffe::caffe_rng_gaussian<Dtype>(input->count(), 0, 1, input->mutable_cpu_data());
      }
      each->ClearParamDiffs();
      each->ForwardBackward();
    }
    ExpectSameGradients(*net, *other, tolerance);
  }
}

TEST(RectifiedPooling, TrainsToTheBitsOfLayersThatReadTheFeatures) {
  for (const auto precision : {caffe::FP32, caffe::BF16}) {
    ExpectTrainAlike(MakeNet<float>(NetParameter::UNTIL_BACKWARD, "", precision),
                     MakeNet<float>(NetParameter::UNTIL_BACKWARD, "round_mode: FLOOR", precision),
                     0);
  }
}

TEST(RectifiedPooling, TrainsAsANetThatKeepsItsBlobs) {
  ExpectTrainAlike(MakeNet<double>(NetParameter::UNTIL_BACKWARD),
                   MakeNet<double>(NetParameter::KEEP), 1e-12);
  ExpectTrainAlike(MakeNet<float>(NetParameter::UNTIL_BACKWARD, "", caffe::FP32, "0", "CAFFE"),
                   MakeNet<float>(NetParameter::KEEP, "", caffe::FP32, "0", "CAFFE"), 1e-5);
}

TEST(RectifiedPooling, LeavesAReluWithASlopeToTheConvolution) {
  const auto lean = MakeNet<double>(NetParameter::UNTIL_BACKWARD, "", caffe::FP32, "0.2");
  ExpectTrainAlike(lean, MakeNet<double>(NetParameter::KEEP, "", caffe::FP32, "0.2"), 1e-12);
  lean->Forward();
  EXPECT_FALSE(lean->blob_by_name("conv1")->data()->released());
}

}  // namespace
}  // namespace caffe_test
