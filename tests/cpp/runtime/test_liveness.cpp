// When the blobs of a net are used, for a net whose steps can be counted by hand.

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "from_text.hpp"
#include "net/liveness.hpp"

namespace caffe_test {
namespace {

// Layers 0 to 5: forward in the steps 0 to 5, backward in the steps 11 to 6.
const char kNet[] = R"(
  layer { name: 'in' type: 'Input' top: 'x' top: 't' input_param {
          shape { dim: 2 dim: 3 } shape { dim: 2 dim: 4 } } }
  layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 5 } }
  layer { name: 'relu' type: 'ReLU' bottom: 'a' top: 'a' }
  layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 4 } }
  layer { name: 'sigmoid' type: 'Sigmoid' bottom: 'b' top: 's' }
  layer { name: 'loss' type: 'EuclideanLoss' bottom: 's' bottom: 't' top: 'loss' }
)";

std::unique_ptr<caffe::Net<float>> MakeNet(caffe::NetParameter::BlobLifetime lifetime) {
  auto param = FromText<caffe::NetParameter>(kNet);
  param.mutable_state()->set_phase(caffe::TRAIN);
  param.set_blob_lifetime(lifetime);
  return std::make_unique<caffe::Net<float>>(param);
}

template <typename T>
std::map<std::string, T> ByName(const caffe::Net<float>& net, const std::vector<T>& of_blobs) {
  std::map<std::string, T> values;
  for (size_t i = 0; i < of_blobs.size(); ++i) values[net.blob_names()[i]] = of_blobs[i];
  return values;
}

TEST(Liveness, OfATraining) {
  const auto net = MakeNet(caffe::NetParameter::KEEP);
  ASSERT_EQ(caffe::BackwardStep(*net, 5), 6);
  const auto live = ByName(*net, caffe::LiveRanges(*net, true));
  const auto expect = [&](const std::string& blob, int last_forward, int first_backward,
                          int last_backward) {
    EXPECT_EQ(live.at(blob).last_forward, last_forward) << blob;
    EXPECT_EQ(live.at(blob).first_backward, first_backward) << blob;
    EXPECT_EQ(live.at(blob).last_backward, last_backward) << blob;
    EXPECT_EQ(live.at(blob).end(), std::max(last_forward, last_backward)) << blob;
  };
  expect("x", 1, 10, 10);  // for the gradient of the weights
  expect("a", 3, 8, 9);    // for those of b, and for the signs of the ReLU
  expect("b", 4, caffe::kNever, -1);
  expect("s", 5, 6, 7);  // by the loss, and by the sigmoid
  expect("t", 5, 6, 6);
}

TEST(Liveness, WithoutBackwardEndsWithTheLastReader) {
  const auto net = MakeNet(caffe::NetParameter::KEEP);
  for (const auto& blob : ByName(*net, caffe::LiveRanges(*net, false))) {
    EXPECT_EQ(blob.second.first_backward, caffe::kNever) << blob.first;
    EXPECT_EQ(blob.second.end(), blob.second.last_forward) << blob.first;
  }
}

TEST(Liveness, KnowsTheWriters) {
  const auto net = MakeNet(caffe::NetParameter::KEEP);
  const auto first = ByName(*net, caffe::FirstWriters(*net));
  const auto last = ByName(*net, caffe::LastWriters(*net));
  EXPECT_EQ(first.at("x"), 0);
  EXPECT_EQ(first.at("a"), 1);
  EXPECT_EQ(last.at("a"), 2);
  EXPECT_EQ(last.at("s"), 4);
}

}  // namespace
}  // namespace caffe_test
