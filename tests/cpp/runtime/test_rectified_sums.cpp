// Sums by Eltwise that compute the ReLU behind them, as at the end of ResNet's blocks.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "blob_values.hpp"
#include "caffe/net.hpp"
#include "from_text.hpp"
#include "layer_run.hpp"

namespace caffe_test {
namespace {

using caffe::Net;
using caffe::NetParameter;

const std::string kSum = "type: 'Eltwise' eltwise_param { coeff: 2 coeff: -1 coeff: 1 }";

caffe::shared_ptr<caffe::Layer<float>> Relu(const std::string& slope) {
  const auto param =
      FromText<caffe::LayerParameter>("type: 'ReLU' relu_param { negative_slope: " + slope + " }");
  return caffe::LayerRegistry<float>::CreateLayer(param);
}

// Of one Forward and Backward: what is put out, and the bottoms' diffs, -7 where there are none.
std::vector<std::vector<float>> Results(LayerRun<float>* run, const std::vector<bool>& propagate,
                                        caffe::Layer<float>* relu) {
  std::vector<std::vector<float>> results;
  run->Forward();
  if (relu) relu->Forward(run->top, run->top);
  results.push_back(ValuesOf(*run->top[0]));
  for (Blob<float>* bottom : run->bottom) {
    caffe::caffe_set(bottom->count(), -7.0f, bottom->mutable_cpu_diff());
  }
  const std::vector<float>& dy = run->top_diffs[0];
  std::copy(dy.begin(), dy.end(), run->top[0]->mutable_cpu_diff());
  if (relu) relu->Backward(run->top, {true}, run->top);
  run->layer->Backward(run->top, propagate, run->bottom);
  for (const Blob<float>* bottom : run->bottom) {
    results.emplace_back(bottom->cpu_diff(), bottom->cpu_diff() + bottom->count());
  }
  return results;
}

TEST(RectifiedSum, GivesTheBitsOfBothLayers) {
  // A GPU reads them in two turns.
  const std::string sum_of_six =
      "type: 'Eltwise' eltwise_param { coeff: 2 coeff: -1 coeff: 1 coeff: 0.5 coeff: 3 coeff: 1 }";
  const std::vector<bool> propagate[] = {
      {true, true, true}, {true, false, true}, {true, false, true, true, true, true}};
  for (const std::string slope : {"0", "0.25"}) {
    for (const bool in_place : {false, true}) {
      for (const auto& to : propagate) {
        // Several blocks of elements, the last not whole.
        const Shapes shapes(to.size(), {3, 7, 5, 59});
        const std::string& sum = to.size() == 3 ? kSum : sum_of_six;
        LayerRun<float> one(sum, shapes, 1, in_place), two(sum, shapes, 1, in_place);
        ASSERT_TRUE(one.layer->Fuse(Relu(slope), true));
        const auto relu = Relu(slope);
        relu->SetUp(two.top, two.top);
        EXPECT_TRUE(Results(&one, to, nullptr) == Results(&two, to, relu.get()))
            << "slope " << slope << (in_place ? ", in place" : "");
      }
    }
  }
}

TEST(RectifiedSum, LeavesOtherLayersAlone) {
  const Shapes shapes(3, {2, 3});
  LayerRun<float> sum(kSum, shapes);
  EXPECT_FALSE(sum.layer->Fuse(Relu("-0.5"), true));
  EXPECT_FALSE(sum.layer->Fuse(
      caffe::LayerRegistry<float>::CreateLayer(FromText<caffe::LayerParameter>("type: 'TanH'")),
      true));
  EXPECT_TRUE(sum.layer->Fuse(Relu("0"), true));
  EXPECT_FALSE(sum.layer->Fuse(Relu("0.5"), true));
  for (const std::string operation : {"MAX", "PROD"}) {
    LayerRun<float> other("type: 'Eltwise' eltwise_param { operation: " + operation + " }", shapes);
    EXPECT_FALSE(other.layer->Fuse(Relu("0"), true)) << operation;
  }
}

std::vector<float> LossAndDiffs(Net<float>* net) {
  net->ClearParamDiffs();
  std::vector<float> all = {net->ForwardBackward()};
  for (const Blob<float>* blob : net->learnable_params()) {
    all.insert(all.end(), blob->cpu_diff(), blob->cpu_diff() + blob->count());
  }
  return all;
}

// A block with a shortcut, as ResNet has.
TEST(RectifiedSum, TrainsANetToTheSameBits) {
  auto param = FromText<NetParameter>(R"(
    layer { name: 'x' type: 'DummyData' top: 'x' top: 't' dummy_data_param {
            shape { dim: 2 dim: 8 dim: 9 dim: 11 } shape { dim: 2 dim: 8 dim: 9 dim: 11 }
            data_filler { type: 'gaussian' } } }
    layer { name: 'a' type: 'Convolution' bottom: 'x' top: 'a' convolution_param {
            num_output: 8 kernel_size: 1 weight_filler { type: 'msra' } } }
    layer { name: 'b' type: 'Convolution' bottom: 'a' top: 'b' convolution_param {
            num_output: 8 kernel_size: 3 pad: 1 weight_filler { type: 'msra' } } }
    layer { name: 'sum' type: 'Eltwise' bottom: 'a' bottom: 'b' top: 'sum' }
    layer { name: 'relu' type: 'ReLU' bottom: 'sum' top: 'sum' }
    layer { name: 'c' type: 'Convolution' bottom: 'sum' top: 'c' convolution_param {
            num_output: 8 kernel_size: 1 weight_filler { type: 'msra' } } }
    layer { name: 'loss' type: 'EuclideanLoss' bottom: 'c' bottom: 't' top: 'loss' }
  )");
  for (const auto precision : {caffe::FP32, caffe::BF16}) {
    param.set_precision(precision);
    std::vector<std::vector<float>> results;
    for (const auto lifetime : {NetParameter::KEEP, NetParameter::UNTIL_BACKWARD}) {
      param.set_blob_lifetime(lifetime);
      caffe::Caffe::set_random_seed(1701);
      Net<float> net(param);
      size_t relu = 0;
      while (net.layer_names()[relu] != "relu") ++relu;
      EXPECT_EQ(net.is_fused(relu), lifetime != NetParameter::KEEP);
      results.push_back(LossAndDiffs(&net));
    }
    EXPECT_GT(results[0][0], 0.1f);
    EXPECT_TRUE(results[0] == results[1]) << caffe::Precision_Name(precision);
  }
}

}  // namespace
}  // namespace caffe_test
