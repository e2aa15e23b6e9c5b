// Nets from files and text whose layers depend on phase, level and stages, and what a net does with
// parts that no loss needs.

#include <fstream>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "foreign.hpp"

namespace caffe {
namespace {

// One file for training, testing and deployment.
const char kAllInOne[] =
    "name: 'all-in-one' "
    "layer { name: 'train-data' type: 'DummyData' top: 'data' top: 'label' dummy_data_param { "
    "shape { dim: 4 dim: 3 } shape { dim: 4 } } include { phase: TRAIN stage: 'train' } } "
    "layer { name: 'val-data' type: 'DummyData' top: 'data' top: 'label' dummy_data_param { "
    "shape { dim: 2 dim: 3 } shape { dim: 2 } } include { phase: TEST stage: 'val' } } "
    "layer { name: 'deploy-data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 3 } } "
    "include { phase: TEST stage: 'deploy' } } "
    "layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'ip' inner_product_param { "
    "num_output: 2 } } "
    "layer { name: 'accuracy' type: 'Accuracy' bottom: 'ip' bottom: 'label' top: 'accuracy' "
    "include { phase: TEST stage: 'val' } } "
    "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' "
    "include { phase: TRAIN stage: 'train' } include { phase: TEST stage: 'val' } } "
    "layer { name: 'prob' type: 'Softmax' bottom: 'ip' top: 'prob' include { stage: 'deploy' } } "
    "layer { name: 'fine' type: 'Power' bottom: 'ip' top: 'fine' include { min_level: 3 } }";

std::string FileOf(const std::string& text) {
  std::string name;
  MakeTempFilename(&name);
  std::ofstream(name.c_str()) << text;
  return name;
}

// Outputs of the net of a file, each followed by a blank.
std::string Outputs(const std::string& file, Phase phase, int level,
                    const std::vector<string>& stages) {
  Net<float> net(file, phase, level, &stages);
  EXPECT_EQ(phase, net.phase());
  std::string outputs;
  for (size_t i = 0; i < net.output_blob_indices().size(); ++i) {
    outputs += net.blob_names()[net.output_blob_indices()[i]] + " ";
  }
  return outputs;
}

TEST(NetStates, OneFileServesTrainingTestingAndDeployment) {
  const std::string file = FileOf(kAllInOne);
  EXPECT_EQ("loss ", Outputs(file, TRAIN, 0, {"train"}));
  EXPECT_EQ("accuracy loss ", Outputs(file, TEST, 0, {"val"}));
  EXPECT_EQ("prob ", Outputs(file, TEST, 0, {"deploy"}));
  EXPECT_EQ("prob ", Outputs(file, TEST, 2, {"deploy", "other"}));
  EXPECT_EQ("fine prob ", Outputs(file, TEST, 3, {"deploy"}));
  // No stage, no data.
  EXPECT_THROW(Net<float>(file, TRAIN), Error);
  NetParameter param = FromText<NetParameter>(kAllInOne);
  param.mutable_state()->set_phase(TEST);
  param.mutable_state()->add_stage("deploy");
  Net<double> net(param);
  EXPECT_EQ(1, net.num_inputs());
  EXPECT_FALSE(net.has_blob("label"));
}

TEST(NetStates, ALayersOwnPhaseIsTheNetsUnlessItSaysOtherwise) {
  NetParameter param = FromText<NetParameter>(
      "state { phase: TEST } layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 9 "
      "} } } layer { name: 'a' type: 'Dropout' bottom: 'x' top: 'a' } layer { name: 'b' type: "
      "'Dropout' bottom: 'x' top: 'b' phase: TRAIN }");
  Net<float> net(param);
  EXPECT_EQ(TEST, net.layer_by_name("a")->layer_param().phase());
  EXPECT_EQ(TRAIN, net.layer_by_name("b")->layer_param().phase());
}

template <typename Dtype>
class NetParts : public ::testing::Test {
 protected:
  static std::string Product(const std::string& name, const std::string& bottom,
                             const std::string& extra = "") {
    return "layer { name: '" + name + "' type: 'InnerProduct' bottom: '" + bottom + "' top: '" +
           name + "' " + extra +
           " inner_product_param { num_output: 2 weight_filler { type: 'gaussian' } } } ";
  }
  static std::string Data() {
    return "layer { name: 'data' type: 'DummyData' top: 'data' top: 'label' dummy_data_param { "
           "shape { dim: 5 dim: 2 } shape { dim: 5 } data_filler { type: 'gaussian' } data_filler "
           "{ value: 1 } } } ";
  }
  static std::string Loss(const std::string& bottom, const std::string& extra = "") {
    return "layer { name: 'loss_" + bottom + "' type: 'SoftmaxWithLoss' bottom: '" + bottom +
           "' bottom: 'label' top: 'loss_" + bottom + "' " + extra + " } ";
  }
  void Init(const std::string& text) {
    Caffe::set_random_seed(1701);
    net_.reset(new Net<Dtype>(FromText<NetParameter>(text)));
  }
  bool Visited(const std::string& layer) {
    for (size_t i = 0; i < net_->layer_names().size(); ++i) {
      if (net_->layer_names()[i] == layer) return net_->layer_need_backward()[i];
    }
    ADD_FAILURE() << layer;
    return false;
  }

  shared_ptr<Net<Dtype>> net_;
};
TYPED_TEST_SUITE(NetParts, FloatAndDouble, );

TYPED_TEST(NetParts, WhatNoLossNeedsIsNotVisitedBackward) {
  const std::string branches =
      this->Data() + this->Product("a", "data") + this->Product("b", "a") + this->Product("c", "a");
  this->Init(branches + this->Loss("b"));
  EXPECT_TRUE(this->Visited("a") && this->Visited("b"));
  EXPECT_FALSE(this->Visited("c"));
  this->Init(branches + this->Loss("b") + this->Loss("c"));
  EXPECT_TRUE(this->Visited("c"));
  this->Init(branches + this->Loss("b") + this->Loss("c", "loss_weight: 0"));
  EXPECT_FALSE(this->Visited("c") || this->Visited("loss_c"));
  this->Init(branches + this->Loss("b", "propagate_down: false propagate_down: false") +
             this->Loss("c"));
  EXPECT_FALSE(this->Visited("b"));
  EXPECT_TRUE(this->Visited("a") && this->Visited("c"));
  this->Init("force_backward: true " + branches + this->Loss("b"));
  EXPECT_TRUE(this->Visited("c") && this->Visited("data"));
}

TYPED_TEST(NetParts, LossesOfBranchesAddUpWithTheirWeights) {
  const std::string branches =
      this->Data() + this->Product("a", "data") + this->Product("b", "a") + this->Product("c", "a");
  TypeParam both, first, second;
  std::vector<TypeParam> sums;
  for (const char* weights : {"1 1", "1 0", "0 1", "2 3"}) {
    const std::string w(weights);
    this->Init(branches + this->Loss("b", "loss_weight: " + w.substr(0, 1)) +
               this->Loss("c", "loss_weight: " + w.substr(2)));
    this->net_->ClearParamDiffs();
    sums.push_back(this->net_->ForwardBackward());
    // The gradient of the shared layer adds up as the losses do.
    sums.push_back(this->net_->layer_by_name("a")->blobs()[0]->cpu_diff()[1]);
  }
  for (int i = 0; i < 2; ++i) {
    both = sums[i];
    first = sums[2 + i];
    second = sums[4 + i];
    EXPECT_NEAR(both, first + second, 1e-5);
    EXPECT_NEAR(2 * first + 3 * second, sums[6 + i], 1e-5);
  }
}

TYPED_TEST(NetParts, ParametersHaveTheirMultipliersAndNames) {
  this->Init(this->Data() +
             this->Product("a", "data",
                           "param { name: 'w' lr_mult: 2 decay_mult: 3 } param { lr_mult: 0.5 }") +
             this->Product("b", "a", "param { name: 'w' }") + this->Loss("b"));
  const Net<TypeParam>& net = *this->net_;
  ASSERT_EQ(4u, net.params().size());
  ASSERT_EQ(3u, net.learnable_params().size());
  EXPECT_EQ(0, net.param_names_index().at("w"));
  const std::vector<int> owners = {-1, -1, 0, -1};
  EXPECT_EQ(owners, net.param_owners());
  EXPECT_EQ("w", net.param_display_names()[0]);
  EXPECT_EQ("1", net.param_display_names()[1]);
  EXPECT_EQ(2, net.params_lr()[0]);
  EXPECT_EQ(0.5f, net.params_lr()[1]);
  EXPECT_EQ(3, net.params_weight_decay()[0]);
  EXPECT_EQ(1, net.params_weight_decay()[1]);
  EXPECT_TRUE(net.has_params_decay()[0]);
  EXPECT_FALSE(net.has_params_decay()[1]);
  // Two layers that share a parameter must agree on its multipliers.
  EXPECT_THROW(
      this->Init(this->Data() + this->Product("a", "data", "param { name: 'w' lr_mult: 2 }") +
                 this->Product("b", "a", "param { name: 'w' lr_mult: 3 }")),
      Error);
}

TYPED_TEST(NetParts, SharedParametersMayHaveOtherShapesWhereThatIsPermitted) {
  const std::string text =
      this->Data() +
      "layer { name: 'a' type: 'InnerProduct' bottom: 'data' top: 'a' param { name: "
      "'w' } inner_product_param { num_output: 6 bias_term: false weight_filler { "
      "type: 'gaussian' } } } layer { name: 'b' type: 'InnerProduct' bottom: 'a' "
      "top: 'b' param { name: 'w' SHARE } inner_product_param { num_output: 2 "
      "bias_term: false weight_filler { type: 'gaussian' } } }";
  const size_t place = text.find("SHARE");
  EXPECT_THROW(this->Init(text.substr(0, place) + text.substr(place + 5)), Error);
  this->Init(text.substr(0, place) + "share_mode: PERMISSIVE" + text.substr(place + 5));
  EXPECT_EQ("6 2 (12)", this->net_->params()[0]->shape_string());
  EXPECT_EQ("2 6 (12)", this->net_->params()[1]->shape_string());
  EXPECT_EQ(this->net_->params()[0]->cpu_data(), this->net_->params()[1]->cpu_data());
}

TYPED_TEST(NetParts, RunBackwardBetweenLayers) {
  this->Init(this->Data() + this->Product("a", "data") + this->Product("b", "a") + this->Loss("b"));
  Net<TypeParam>& net = *this->net_;
  net.Forward();
  net.ClearParamDiffs();
  net.BackwardFrom(3);
  const TypeParam whole = net.layer_by_name("a")->blobs()[0]->asum_diff();
  EXPECT_GT(whole, 0);
  net.ClearParamDiffs();
  net.BackwardTo(2);
  EXPECT_EQ(0, net.layer_by_name("a")->blobs()[0]->asum_diff());
  EXPECT_GT(net.layer_by_name("b")->blobs()[0]->asum_diff(), 0);
  net.BackwardFromTo(1, 1);
  EXPECT_NEAR(whole, net.layer_by_name("a")->blobs()[0]->asum_diff(), 1e-5 * whole);
  EXPECT_NE(0, net.ForwardTo(3));
  EXPECT_EQ(0, net.ForwardTo(2));
}

TYPED_TEST(NetParts, TakeInputsAsArguments) {
  this->Init(
      "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 2 } } } layer { "
      "name: 'p' type: 'Power' bottom: 'x' "
      "top: 'p' power_param { scale: 3 } }");
  Blob<TypeParam> x(std::vector<int>{2, 2});
  for (int i = 0; i < 4; ++i) x.mutable_cpu_data()[i] = i;
  TypeParam loss = 5;
  const std::vector<Blob<TypeParam>*>& out =
      this->net_->Forward(std::vector<Blob<TypeParam>*>(1, &x), &loss);
  EXPECT_EQ(0, loss);
  EXPECT_EQ(9, out[0]->cpu_data()[3]);
  EXPECT_EQ(9, this->net_->ForwardPrefilled()[0]->cpu_data()[3]);
  EXPECT_EQ(3, this->net_->input_blobs()[0]->cpu_data()[3]);
}

}  // namespace
}  // namespace caffe
