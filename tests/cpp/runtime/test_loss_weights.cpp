// A loss weight is the gradient of every element of its top, in every pass.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/insert_splits.hpp"
#include "errors.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Net;
using caffe::NetParameter;

/// Layers behind 's', a Scale by 1 of the net's input 'x' of 1 x 2 ones.
std::unique_ptr<Net<float>> MakeNet(const std::string& layers, bool frees_blobs = false) {
  const std::string text =
      "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 } } } "
      "layer { name: 's' type: 'Scale' bottom: 'x' top: 's' scale_param { axis: 0 num_axes: 0 } "
      "} " +
      layers;
  auto param = FromText<NetParameter>(text);
  if (frees_blobs) param.set_blob_lifetime(NetParameter::UNTIL_BACKWARD);
  return std::make_unique<Net<float>>(param);
}

/// The loss of `items` x 2 ones; expects the factor's gradient to be the same.
float Loss(int items, Net<float>* net) {
  Blob<float>* x = net->blob_by_name("x").get();
  x->Reshape({items, 2});
  caffe::caffe_set(x->count(), 1.f, x->mutable_cpu_data());
  net->ClearParamDiffs();
  const float loss = net->ForwardBackward();
  EXPECT_EQ(net->learnable_params()[0]->cpu_diff()[0], loss);
  return loss;
}

const std::string kWeighted =
    "layer { name: 'p' type: 'Power' bottom: 's' top: 'p' loss_weight: 3 } ";

TEST(LossWeights, AreThoseOfABlobOfAnySize) {
  const auto net = MakeNet(kWeighted);
  for (const int items : {1, 2, 1, 3, 5, 4, 2}) EXPECT_EQ(Loss(items, net.get()), 6 * items);
  // A layer reads it, too.
  const auto read =
      MakeNet(kWeighted + "layer { name: 'q' type: 'Power' bottom: 'p' top: 'q' loss_weight: 1 } ");
  for (const int items : {1, 2, 1, 3}) EXPECT_EQ(Loss(items, read.get()), 8 * items);
}

TEST(LossWeights, OfALossThatIsReadAsWellCountOnce) {
  const auto net = MakeNet(
      "layer { name: 'zero' type: 'DummyData' top: 'zero' "
      "dummy_data_param { shape { dim: 1 dim: 2 } } } "
      "layer { name: 'l' type: 'EuclideanLoss' bottom: 's' bottom: 'zero' top: 'l' loss_weight: 3 "
      "} "
      "layer { name: 'q' type: 'Power' bottom: 'l' top: 'q' loss_weight: 1 }");
  caffe::caffe_set(2, 1.f, net->blob_by_name("x")->mutable_cpu_data());
  EXPECT_EQ(net->ForwardBackward(), 3 + 1);
  EXPECT_EQ(net->learnable_params()[0]->cpu_diff()[0], 2 * (3 + 1));
}

TEST(LossWeights, AreThereWhenTheNetHasBeenReshaped) {
  const auto net = MakeNet(kWeighted);
  net->blob_by_name("x")->Reshape({4, 2});
  net->Reshape();
  EXPECT_EQ(net->blob_by_name("p")->cpu_diff()[7], 3);
  EXPECT_EQ(Loss(4, net.get()), 24);
}

TEST(LossWeights, OfTopsWithOneNameStayWhereTheyAre) {
  const auto net = FromText<NetParameter>(
      "layer { name: 'd' type: 'DummyData' top: 'a' top: 'a' loss_weight: 1 } "
      "layer { name: 'q' type: 'Power' bottom: 'a' top: 'q' }");
  NetParameter split;
  caffe::InsertSplits(net, &split);
  ASSERT_EQ(split.layer_size(), 2);
  EXPECT_EQ(split.layer(0).loss_weight_size(), 1);
  EXPECT_ERROR_NAMES(Net<float>{net}, "makes blob 'a', which another layer makes already");
}

TEST(LossWeights, OutlastWhatBackwardWritesInPlace) {
  const std::string in_place =
      "layer { name: 'p' type: 'Power' bottom: 's' top: 's' power_param { scale: 2 } ";
  const std::vector<std::string> layers = {
      in_place + "loss_weight: 1 } ",
      // A single number.
      "layer { name: 'r' type: 'Reduction' bottom: 's' top: 'r' loss_weight: 0 } layer { name: 'p' "
      "type: 'Power' bottom: 'r' top: 'r' power_param { scale: 2 } loss_weight: 1 } ",
      in_place + "} layer { name: 'f' type: 'Flatten' bottom: 's' top: 'f' loss_weight: 1 } ",
      in_place + "} layer { name: 'f' type: 'Concat' bottom: 's' top: 'f' loss_weight: 1 } ",
      in_place + "} layer { name: 'f' type: 'Slice' bottom: 's' top: 'f' loss_weight: 1 } ",
      in_place +
          "} layer { name: 'f' type: 'Reshape' bottom: 's' top: 'f' loss_weight: 1 "
          "reshape_param { shape { dim: -1 } } } "};
  for (const std::string& text : layers) {
    for (const bool frees : {false, true}) {
      const auto net = MakeNet(text, frees);
      for (const int items : {1, 1, 2, 2, 1}) EXPECT_EQ(Loss(items, net.get()), 4 * items) << text;
    }
  }
}

TEST(LossWeights, CountBehindAConvolutionThatCouldComputeTheLayer) {
  const std::string layers =
      "layer { name: 'r' type: 'Reshape' bottom: 's' top: 'r' reshape_param { shape { "
      "dim: 0 dim: 1 dim: 1 dim: -1 } } } "
      "layer { name: 'c' type: 'Convolution' bottom: 'r' top: 'c' convolution_param { "
      "num_output: 1 kernel_size: 1 weight_filler { value: 1 } } } "
      "layer { name: 'p' type: 'ReLU' bottom: 'c' top: 'c' loss_weight: 3 } ";
  for (const bool frees : {false, true}) {
    const auto net = MakeNet(layers, frees);
    for (const int items : {1, 2}) EXPECT_EQ(Loss(items, net.get()), 6 * items);
  }
}

TEST(LossWeights, MayBeSetInTheDiff) {
  const auto net = MakeNet(kWeighted);
  caffe::caffe_set(2, 5.f, net->blob_by_name("p")->mutable_cpu_diff());
  for (int pass = 0; pass < 2; ++pass) EXPECT_EQ(Loss(1, net.get()), 10);
}

}  // namespace
}  // namespace caffe_test
