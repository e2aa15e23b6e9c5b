// What the golden cases and the other tests leave out: rarely used fields, each with an effect that
// is worked out by hand.

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/data_transformer.hpp"
#include "caffe/sgd_solvers.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class RareFields : public OneToOne<Dtype> {
 protected:
  // Runs a layer on bottom_, shaped and filled before; its top is top_.
  void Run(const std::string& text) {
    layer_ = LayerRegistry<Dtype>::CreateLayer(FromText<LayerParameter>(text));
    layer_->SetUp(this->bottom_vec_, this->top_vec_);
    layer_->Forward(this->bottom_vec_, this->top_vec_);
  }

  shared_ptr<Layer<Dtype>> layer_;
};
TYPED_TEST_SUITE(RareFields, FloatAndDouble, );

TYPED_TEST(RareFields, FillersOfLayers) {
  this->Put({1, 2}, {-1, 2}, this->bottom_.get());
  this->Run("type: 'Bias' bias_param { filler { value: 3 } }");
  this->ExpectValues({2, 5}, this->top_->cpu_data());
  this->Run("type: 'PReLU' prelu_param { filler { value: 0.5 } }");
  this->ExpectValues({-0.5, 2}, this->top_->cpu_data());
  this->Put({2}, {1, 0}, this->bottom_.get());
  this->Run(
      "type: 'Embed' embed_param { num_output: 2 input_dim: 2 weight_filler { value: 4 } "
      "bias_filler { value: 1 } }");
  this->ExpectValues({5, 5, 5, 5}, this->top_->cpu_data());
}

TYPED_TEST(RareFields, FillersByName) {
  Blob<TypeParam> blob(20, 50, 4, 4);
  Caffe::set_random_seed(1);
  const auto fill = [&](const std::string& text) {
    const shared_ptr<Filler<TypeParam>> filler(
        GetFiller<TypeParam>(FromText<FillerParameter>(text)));
    filler->Fill(&blob);
  };
  fill("type: 'positive_unitball'");
  EXPECT_NEAR(20, blob.asum_data(), 1e-3);
  fill("type: 'msra' variance_norm: AVERAGE");
  EXPECT_NEAR(2 / 560., blob.sumsq_data() / blob.count(), 2e-4);
  fill("type: 'bilinear'");
  EXPECT_NEAR(0.0625, blob.cpu_data()[0], 1e-6);
  fill("type: 'uniform' min: 2 max: 4");
  EXPECT_NEAR(3, blob.asum_data() / blob.count(), 0.1);
  // A value is kept with probability 5 / outputs.
  fill("type: 'gaussian' sparse: 5 std: 1");
  int kept = 0;
  for (int i = 0; i < blob.count(); ++i) kept += blob.cpu_data()[i] != 0;
  EXPECT_NEAR(blob.count() * 5 / 20, kept, 300);
}

TYPED_TEST(RareFields, RecurrentBiasFillerAndDebugInfo) {
  Blob<TypeParam> cont(std::vector<int>{1, 1});
  this->Put({1, 1, 1}, {0}, this->bottom_.get());
  this->bottom_vec_.push_back(&cont);
  this->Run(
      "type: 'RNN' recurrent_param { num_output: 1 bias_filler { value: 0.5 } debug_info: true }");
  EXPECT_NEAR(std::tanh(std::tanh(0.5) * 0 + 0.5), this->top_->cpu_data()[0], 1e-5);
}

TYPED_TEST(RareFields, InfogainSource) {
  std::string file;
  MakeTempFilename(&file);
  WriteProtoToBinaryFile(
      FromText<BlobProto>("num: 1 channels: 1 height: 2 width: 2 data: [1, 0, 0, 3]"), file);
  Blob<TypeParam> labels(std::vector<int>(1, 1));
  labels.mutable_cpu_data()[0] = 1;
  this->Put({1, 2}, {0, 0}, this->bottom_.get());
  this->bottom_vec_.push_back(&labels);
  this->Run("type: 'InfogainLoss' infogain_loss_param { source: '" + file + "' }");
  EXPECT_NEAR(3 * std::log(2.), this->top_->cpu_data()[0], 1e-5);
}

TYPED_TEST(RareFields, EnginesAgree) {
  this->bottom_->Reshape(2, 4, 6, 6);
  for (int i = 0; i < this->bottom_->count(); ++i) {
    this->bottom_->mutable_cpu_data()[i] = TypeParam(i * 37 % 101 - 50) / 25;
  }
  const std::string cases[][2] = {{"LRN", "lrn_param { local_size: 3 "},
                                  {"SPP", "spp_param { pyramid_height: 2 "},
                                  {"Sigmoid", "sigmoid_param { "},
                                  {"Softmax", "softmax_param { "},
                                  {"TanH", "tanh_param { "},
                                  {"ReLU", "relu_param { "}};
  for (const auto& c : cases) {
    Blob<TypeParam> plain;
    this->Run("type: '" + c[0] + "' " + c[1] + "engine: CAFFE }");
    plain.CopyFrom(*this->top_, false, true);
    this->Run("type: '" + c[0] + "' " + c[1] + "engine: DEFAULT }");
    for (int i = 0; i < plain.count(); ++i) {
      EXPECT_NEAR(plain.cpu_data()[i], this->top_->cpu_data()[i], 1e-5) << c[0];
    }
    this->Run("type: '" + c[0] + "' " + c[1] + "engine: CUDNN }");
    EXPECT_NEAR(plain.cpu_data()[1], this->top_->cpu_data()[1], 1e-5) << c[0];
  }
}

TYPED_TEST(RareFields, UpsampleScalesAndPads) {
  Blob<TypeParam> mask(std::vector<int>{1, 1, 2, 2});
  this->Put({1, 1, 2, 2}, {1, 2, 3, 4}, this->bottom_.get());
  this->bottom_vec_.push_back(&mask);
  this->Run("type: 'Upsample' upsample_param { scale: 3 }");
  EXPECT_EQ("1 1 6 6 (36)", this->top_->shape_string());
  this->Run("type: 'Upsample' upsample_param { scale_h: 2 scale_w: 3 }");
  EXPECT_EQ("1 1 4 6 (24)", this->top_->shape_string());
  this->Run("type: 'Upsample' upsample_param { scale: 2 pad_out_h: true pad_out_w: true }");
  EXPECT_EQ("1 1 3 3 (9)", this->top_->shape_string());
}

TYPED_TEST(RareFields, DatumsOfFloats) {
  const Datum datum =
      FromText<Datum>("channels: 1 height: 1 width: 3 float_data: [0.5, -1, 300] label: 2");
  TransformationParameter param;
  param.set_scale(2);
  DataTransformer<TypeParam> transformer(param, TEST);
  Blob<TypeParam> blob(transformer.InferBlobShape(datum));
  transformer.Transform(datum, &blob);
  this->ExpectValues({1, -2, 600}, blob.cpu_data());
}

TYPED_TEST(RareFields, BlobsOfEitherPrecision) {
  const BlobProto proto =
      FromText<BlobProto>("shape { dim: 2 } double_data: [0.25, 0.5] double_diff: [3, 4]");
  Blob<TypeParam> blob;
  blob.FromProto(proto);
  EXPECT_EQ(0.5, blob.cpu_data()[1]);
  EXPECT_EQ(4, blob.cpu_diff()[1]);
  BlobProtoVector vector;
  blob.ToProto(vector.add_blobs(), true);
  EXPECT_EQ(sizeof(TypeParam) == 8 ? 2 : 0, vector.blobs(0).double_data_size());
  EXPECT_EQ(sizeof(TypeParam) == 8 ? 0 : 2, vector.blobs(0).diff_size());
}

// ---- solvers ----

std::string NetText(const std::string& name) {
  return "name: '" + name +
         "' layer { name: 'x' type: 'DummyData' top: 'x' top: 't' dummy_data_param { shape { dim: "
         "1 dim: 1 "
         "} data_filler { value: 2 } } } layer { name: 'p' type: 'Bias' bottom: 'x' top: 'y' "
         "include { stage: 'bias' } } layer { name: 'loss' type: 'EuclideanLoss' bottom: 'x' "
         "bottom: "
         "'t' top: 'loss' include { not_stage: 'bias' } } layer { name: 'biased' type: "
         "'EuclideanLoss' bottom: 'y' bottom: 't' top: 'loss' include { stage: 'bias' } }";
}

TYPED_TEST(RareFields, SolverStatesAndNetsInPlace) {
  std::string folder;
  MakeTempDir(&folder);
  const SolverParameter param = FromText<SolverParameter>(
      "base_lr: 0.5 lr_policy: 'step' gamma: 0.1 stepsize: 2 device_id: 0 solver_mode: CPU "
      "debug_info: true layer_wise_reduce: false test_compute_loss: true test_interval: 1 "
      "test_iter: 1 test_initialization: false snapshot_diff: true train_state { stage: 'bias' } "
      "snapshot_prefix: '" +
      folder + "/s' " + "train_net_param { " + NetText("train") + " } test_net_param { " +
      NetText("test") + " }");
  SGDSolver<TypeParam> solver(param);
  EXPECT_TRUE(solver.net()->has_layer("p"));
  EXPECT_EQ("test", solver.test_nets()[0]->name());
  EXPECT_FALSE(solver.test_nets()[0]->has_layer("p"));
  solver.Step(3);
  // The bias starts at 0, where the loss has its minimum.
  solver.Snapshot();
  NetParameter model;
  ReadProtoFromBinaryFileOrDie(folder + "/s_iter_3.caffemodel", &model);
  SolverState state;
  ReadProtoFromBinaryFileOrDie(folder + "/s_iter_3.solverstate", &state);
  ASSERT_EQ("p", model.layer(1).name());
  const BlobProto& bias = model.layer(1).blobs(0);
  EXPECT_EQ(1, bias.diff_size() + bias.double_diff_size());
  EXPECT_EQ(3, state.iter());
  EXPECT_EQ(1, state.current_step());
  EXPECT_EQ(folder + "/s_iter_3.caffemodel", state.learned_net());
  EXPECT_EQ(1, state.history_size());
}

}  // namespace caffe
