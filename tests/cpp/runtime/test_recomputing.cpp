// Large blobs that are freed between Forward and Backward, and recomputed.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "as_large.hpp"
#include "blob_values.hpp"
#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Net;
using caffe::NetParameter;

// Of `a`, values of the first layer, and `b`, those behind BatchNorm, each reader is known.
const char kNet[] = R"(
  layer { name: 'x' type: 'Input' top: 'x' input_param {
          shape { dim: 1 dim: 1 dim: 512 dim: 1024 } } }
  layer { name: 't' type: 'Input' top: 't' input_param { shape { dim: 1 dim: 1 } } }
  layer { name: 'a' type: 'Convolution' bottom: 'x' top: 'a' convolution_param {
          num_output: 8 kernel_size: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'relu_a' type: 'ReLU' bottom: 'a' top: 'a' }
  layer { name: 'b' type: 'Convolution' bottom: 'a' top: 'b' convolution_param {
          num_output: 8 kernel_size: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'bn' type: 'BatchNorm' bottom: 'b' top: 'b' }
  layer { name: 'scale' type: 'Scale' bottom: 'b' top: 'b' scale_param { bias_term: true } }
  layer { name: 'relu_b' type: 'ReLU' bottom: 'b' top: 'b' }
  layer { name: 'c' type: 'Convolution' bottom: 'b' top: 'c' convolution_param {
          num_output: 8 kernel_size: 1 stride: 16 weight_filler { type: 'xavier' } } }
  layer { name: 'pool' type: 'Pooling' bottom: 'c' top: 'pool' pooling_param {
          kernel_size: 2 stride: 2 } }
  layer { name: 'ip' type: 'InnerProduct' bottom: 'pool' top: 'ip' inner_product_param {
          num_output: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'loss' type: 'EuclideanLoss' bottom: 'ip' bottom: 't' top: 'loss' }
)";

std::unique_ptr<Net<float>> MakeNet(NetParameter::BlobLifetime lifetime,
                                    caffe::Precision precision = caffe::FP32,
                                    const char* text = kNet) {
  auto param = FromText<NetParameter>(text);
  param.mutable_state()->set_phase(caffe::TRAIN);
  param.set_blob_lifetime(lifetime);
  param.set_precision(precision);
  caffe::Caffe::set_random_seed(1701);
  auto net = std::make_unique<Net<float>>(param);
  for (Blob<float>* input : net->input_blobs()) {
    caffe::caffe_rng_gaussian<float>(input->count(), 0, 1, input->mutable_cpu_data());
  }
  return net;
}

// Notes a blob's values after a layer has run.
class Values : public Net<float>::Callback {
 public:
  Values(const Net<float>& net, const std::string& blob, const std::string& layer)
      : blob_(*net.blob_by_name(blob)) {
    while (net.layer_names()[layer_] != layer) ++layer_;
  }
  std::vector<float> seen;

 protected:
  void run(int layer) override {
    if (layer == layer_) seen = ValuesOf(blob_);
  }

 private:
  const Blob<float>& blob_;
  int layer_ = 0;
};

TEST(Recomputation, GivesTheSameBits) {
  for (const auto precision : {caffe::FP32, caffe::BF16}) {
    for (const auto& reader : std::map<std::string, std::string>{{"a", "b"}, {"b", "c"}}) {
      const auto net = MakeNet(NetParameter::UNTIL_BACKWARD, precision);
      const Blob<float>& blob = *net->blob_by_name(reader.first);
      Values forward(*net, reader.first, reader.second), backward = forward;
      net->add_after_forward(&forward);
      net->add_after_backward(&backward);
      net->ClearParamDiffs();
      net->Forward();
      EXPECT_TRUE(blob.data()->released());
      net->Backward();
      EXPECT_TRUE(blob.data()->released());
      ASSERT_FALSE(forward.seen.empty());
      EXPECT_TRUE(forward.seen == backward.seen) << reader.first;
    }
  }
}

// A net that keeps its blobs fuses no layers, so that its sums are made in another order.
void ExpectSameParameters(const Net<float>& lean, const Net<float>& whole) {
  for (size_t i = 0; i < lean.params().size(); ++i) {
    // Statistics of BatchNorm are parameters, too: they are updated once a pass.
    for (const bool diff : {false, true}) {
      const Blob<float>&x = *lean.params()[i], &y = *whole.params()[i];
      for (int k = 0; k < x.count(); ++k) {
        const float value = diff ? x.cpu_diff()[k] : x.cpu_data()[k];
        const float expected = diff ? y.cpu_diff()[k] : y.cpu_data()[k];
        ASSERT_NEAR(value, expected, 1e-4 * std::max(1.0f, std::fabs(expected))) << i;
      }
    }
  }
}

TEST(Recomputation, TrainsToTheSameNumbers) {
  const auto lean = MakeNet(NetParameter::UNTIL_BACKWARD), whole = MakeNet(NetParameter::KEEP);
  for (int pass = 0; pass < 2; ++pass) {
    for (Net<float>* net : {lean.get(), whole.get()}) {
      net->ClearParamDiffs();
      net->ForwardBackward();
    }
    EXPECT_FALSE(whole->blob_by_name("a")->data()->released());
    ExpectSameParameters(*lean, *whole);
  }
}

// Of this net, when `c` is read again, `p` is gone and `b` not there yet.
const char kBottomsThatAreGone[] = R"(
  layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
  layer { name: 'power' type: 'Power' bottom: 'x' top: 'p' power_param { scale: 2 } }
  layer { name: 'a' type: 'Convolution' bottom: 'p' top: 'a' param { lr_mult: 0 }
          param { lr_mult: 0 } convolution_param { num_output: 4 kernel_size: 1
          weight_filler { type: 'xavier' } } }
  layer { name: 'b' type: 'Convolution' bottom: 'a' top: 'b' convolution_param {
          num_output: 5 kernel_size: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'c' type: 'Convolution' bottom: 'b' top: 'c' convolution_param {
          num_output: 6 kernel_size: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'lrn' type: 'LRN' bottom: 'c' top: 'd' }
  layer { name: 'loss' type: 'Reduction' bottom: 'd' top: 'loss' loss_weight: 1
          reduction_param { operation: SUMSQ } }
)";

TEST(Recomputation, IsOfBlobsWhoseBottomsAreThere) {
  const AsLarge as_large;
  const auto lean = MakeNet(NetParameter::UNTIL_BACKWARD, caffe::FP32, kBottomsThatAreGone);
  const auto whole = MakeNet(NetParameter::KEEP, caffe::FP32, kBottomsThatAreGone);
  for (Net<float>* net : {lean.get(), whole.get()}) {
    net->ClearParamDiffs();
    net->Forward();
  }
  for (const std::string blob : {"p", "a", "b", "c"}) {
    EXPECT_EQ(lean->blob_by_name(blob)->data()->released(), blob == "p" || blob == "b") << blob;
  }
  lean->Backward();
  whole->Backward();
  ExpectSameParameters(*lean, *whole);
}

// After its Backward, BatchNorm has nothing any more to make its top of; the Backward of the layer
// in front, which says no better, counts as a reader.
TEST(Recomputation, IsNotAskedForAfterTheLayersOwnBackward) {
  const AsLarge as_large;
  auto param = FromText<NetParameter>(R"(
    force_backward: true
    state { phase: TRAIN }
    blob_lifetime: UNTIL_BACKWARD
    layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
    layer { name: 'front' type: 'Scale' bottom: 'x' top: 'a' }
    layer { name: 'bn' type: 'BatchNorm' bottom: 'a' top: 'a' }
    layer { name: 'scale' type: 'Scale' bottom: 'a' top: 'a' }
    layer { name: 'relu' type: 'ReLU' bottom: 'a' top: 'b' }
    layer { name: 'lrn' type: 'LRN' bottom: 'b' top: 'c' }
    layer { name: 'loss' type: 'Reduction' bottom: 'c' top: 'loss' loss_weight: 1
            reduction_param { operation: SUMSQ } }
  )");
  Net<float> net(param);
  Blob<float>* x = net.input_blobs()[0];
  caffe::caffe_rng_gaussian<float>(x->count(), 0, 1, x->mutable_cpu_data());
  EXPECT_NO_THROW(net.ForwardBackward());
  EXPECT_TRUE(net.is_fused(3));
}

}  // namespace
}  // namespace caffe_test
