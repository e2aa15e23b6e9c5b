// Nets built from text and looked into through their public functions.

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/util/hdf5.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class NetUseTest : public ::testing::Test {
 protected:
  void Init(const std::string& text) {
    Caffe::set_random_seed(1701);
    net_.reset(new Net<Dtype>(FromText<NetParameter>(text)));
  }
  static std::string Data(const std::string& extra = "") {
    return "layer { name: 'data' type: 'DummyData' top: 'data' top: 'label' dummy_data_param { "
           "shape { dim: 4 dim: 3 } shape { dim: 4 } "
           "data_filler { type: 'gaussian' std: 1 } data_filler { type: 'constant' } } }" +
           extra;
  }
  static std::string InnerProduct(const std::string& name, const std::string& bottom,
                                  const std::string& extra = "") {
    return "layer { name: '" + name + "' type: 'InnerProduct' bottom: '" + bottom + "' top: '" +
           name + "' " + extra +
           " inner_product_param { num_output: 3 bias_term: false "
           "weight_filler { type: 'gaussian' std: 1 } } }";
  }

  shared_ptr<Net<Dtype>> net_;
};
TYPED_TEST_SUITE(NetUseTest, FloatAndDouble, );

TYPED_TEST(NetUseTest, FindsBlobsAndLayersByName) {
  this->Init(this->Data(this->InnerProduct("ip", "data")));
  EXPECT_TRUE(this->net_->has_blob("data"));
  EXPECT_TRUE(this->net_->has_layer("ip"));
  EXPECT_FALSE(this->net_->has_blob("loss"));
  EXPECT_FALSE(this->net_->has_layer("loss"));
  EXPECT_EQ(this->net_->blob_by_name("ip"), this->net_->blobs()[2]);
  EXPECT_FALSE(this->net_->blob_by_name("loss"));
  EXPECT_FALSE(this->net_->layer_by_name("label"));
  EXPECT_EQ(2, this->net_->num_outputs());
  EXPECT_EQ(0, this->net_->num_inputs());
  const std::vector<std::string>& names = this->net_->layer_names();
  EXPECT_EQ("ip", names[1]);
  EXPECT_EQ(1u, this->net_->bottom_ids(1).size());
  EXPECT_EQ(2, this->net_->top_ids(1)[0]);
}

TYPED_TEST(NetUseTest, SharedWeightsAreOneMemory) {
  const std::string shared = "param { name: 'w' }";
  this->Init(this->Data(this->InnerProduct("a", "data", shared) +
                        this->InnerProduct("b", "data", shared) +
                        "layer { name: 'loss' type: 'EuclideanLoss' bottom: 'a' bottom: 'b' }"));
  Blob<TypeParam>* a = this->net_->layer_by_name("a")->blobs()[0].get();
  Blob<TypeParam>* b = this->net_->layer_by_name("b")->blobs()[0].get();
  EXPECT_EQ(a->cpu_data(), b->cpu_data());
  EXPECT_EQ(a->cpu_diff(), b->cpu_diff());
  ASSERT_EQ(1u, this->net_->learnable_params().size());
  EXPECT_EQ(2u, this->net_->params().size());
  EXPECT_EQ(-1, this->net_->param_owners()[0]);
  EXPECT_EQ(0, this->net_->param_owners()[1]);
  // The two products agree, so that their difference has no gradient.
  EXPECT_EQ(0, this->net_->ForwardBackward());
  EXPECT_EQ(0, a->asum_diff());
  this->Init(this->Data(this->InnerProduct("a", "data") + this->InnerProduct("b", "data")));
  EXPECT_NE(this->net_->params()[0]->cpu_data(), this->net_->params()[1]->cpu_data());
}

TYPED_TEST(NetUseTest, SharedWeightsAddTheirGradients) {
  const std::string loss =
      "layer { name: 'zero' type: 'DummyData' top: 'zero' dummy_data_param { shape { dim: 4 dim: 3 "
      "} } } layer { name: 'la' type: 'EuclideanLoss' bottom: 'a' bottom: 'zero' }"
      "layer { name: 'lb' type: 'EuclideanLoss' bottom: 'b' bottom: 'zero' }";
  const std::string shared = "param { name: 'w' }";
  this->Init(this->Data(this->InnerProduct("a", "data", shared) +
                        this->InnerProduct("b", "data", shared) + loss));
  this->net_->ClearParamDiffs();
  this->net_->ForwardBackward();
  Blob<TypeParam> twice, weights;  // `twice` is used by two layers
  twice.CopyFrom(*this->net_->learnable_params()[0], true, true);
  weights.CopyFrom(*this->net_->learnable_params()[0], false, true);
  // A second backward pass adds.
  this->net_->Backward();
  for (int i = 0; i < 9; ++i) {
    EXPECT_NEAR(2 * twice.cpu_diff()[i], this->net_->learnable_params()[0]->cpu_diff()[i], 1e-4);
  }
  twice.CopyFrom(*this->net_->learnable_params()[0], true);
  this->net_->Update();
  for (int i = 0; i < 9; ++i) {
    EXPECT_NEAR(weights.cpu_data()[i] - twice.cpu_diff()[i],
                this->net_->learnable_params()[0]->cpu_data()[i], 1e-4);
  }
}

TYPED_TEST(NetUseTest, SharedWeightsTakeTheMultipliersThatAnyOfThemGives) {
  const auto w = [this](const char* name, const std::string& param) {
    return this->InnerProduct(name, "data", "param { " + param + " }");
  };
  this->Init(this->Data(w("a", "name: 'w'") + w("b", "name: 'w' decay_mult: 2") +
                        w("c", "name: 'v'") + w("alone", "name: 'u'") +
                        w("d", "name: 'v' lr_mult: 3")));
  EXPECT_EQ((std::vector<int>{-1, 0, -1, -1, 2}), this->net_->param_owners());
  EXPECT_EQ((std::vector<float>{1, 3, 1}), this->net_->params_lr());
  EXPECT_EQ((std::vector<float>{2, 1, 1}), this->net_->params_weight_decay());
  // Those that give it give the same, whoever was first.
  const std::string first = w("a", "name: 'w'") + w("b", "name: 'w' lr_mult: 2");
  this->Init(this->Data(first + w("c", "name: 'w' lr_mult: 2")));
  EXPECT_EQ((std::vector<float>{2}), this->net_->params_lr());
  EXPECT_THROW(this->Init(this->Data(first + w("c", "name: 'w' lr_mult: 3"))), Error);
}

TYPED_TEST(NetUseTest, SharedWeightsHaveOneShape) {
  const auto parameter = [](const char* name, const char* shape, const char* more) {
    return "layer { name: '" + std::string(name) + "' type: 'Parameter' top: '" + name +
           "' param { name: 'w' " + more + " } parameter_param { shape { " + shape + " } } }";
  };
  const std::string first = parameter("a", "dim: 2 dim: 3", "");
  EXPECT_THROW(this->Init(first + parameter("b", "dim: 3 dim: 2", "")), Error);
  EXPECT_THROW(this->Init(first + parameter("b", "dim: 2", "share_mode: PERMISSIVE")), Error);
  this->Init(first + parameter("b", "dim: 6", "share_mode: PERMISSIVE"));
  EXPECT_EQ(this->net_->params()[0]->cpu_data(), this->net_->params()[1]->cpu_data());
}

TYPED_TEST(NetUseTest, LossWeightsScaleLossAndGradient) {
  const std::string net = this->InnerProduct("ip", "data") +
                          "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: "
                          "'label' top: 'loss' ";
  this->Init(this->Data(net + "}"));
  this->net_->ClearParamDiffs();
  const TypeParam loss = this->net_->ForwardBackward();
  Blob<TypeParam> gradient;
  gradient.CopyFrom(*this->net_->learnable_params()[0], true, true);
  for (const char* weight : {"0", "2", "-1.5"}) {
    this->Init(this->Data(net + "loss_weight: " + weight + " }"));
    const TypeParam w = std::atof(weight);
    this->net_->ClearParamDiffs();
    EXPECT_NEAR(w * loss, this->net_->ForwardBackward(), 1e-4);
    EXPECT_EQ(w, this->net_->blob_loss_weights()[this->net_->top_ids(2)[0]]);
    for (int i = 0; i < 9; ++i) {
      EXPECT_NEAR(w * gradient.cpu_diff()[i], this->net_->learnable_params()[0]->cpu_diff()[i],
                  1e-4);
    }
  }
}

TYPED_TEST(NetUseTest, ALossThatALayerReadsCountsOnce) {
  const std::string loss = this->Data(this->InnerProduct("ip", "data")) +
                           "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: "
                           "'label' top: 'loss' loss_weight: 2 }";
  this->Init(loss);
  this->net_->ForwardBackward();
  Blob<TypeParam> gradient;
  gradient.CopyFrom(*this->net_->learnable_params()[0], true, true);
  this->Init(loss + "layer { name: 'shown' type: 'Power' bottom: 'loss' top: 'shown' }");
  for (int pass = 0; pass < 2; ++pass) {
    const TypeParam whole = this->net_->ForwardBackward();
    EXPECT_NEAR(2 * this->net_->blob_by_name("loss")->cpu_data()[0], whole, 1e-4);
    for (int i = 0; pass == 0 && i < 9; ++i) {
      EXPECT_NEAR(gradient.cpu_diff()[i], this->net_->learnable_params()[0]->cpu_diff()[i], 1e-4);
    }
  }
}

TYPED_TEST(NetUseTest, AnyTopMayHaveALossWeight) {
  // The sum of `data` (through the split that the net adds) and the loss of 'ip'.
  this->Init(
      "layer { name: 'data' type: 'DummyData' top: 'data' loss_weight: 2 dummy_data_param { shape "
      "{ dim: 2 dim: 3 } data_filler { value: 0.5 } } }" +
      this->InnerProduct("ip", "data", "loss_weight: 10"));
  TypeParam sum = 0;
  for (int i = 0; i < 9; ++i) sum += this->net_->learnable_params()[0]->cpu_data()[i];
  TypeParam loss;
  this->net_->Forward(&loss);
  EXPECT_NEAR(2 * 3 + 10 * 2 * 0.5 * sum, loss, 1e-3);
}

TYPED_TEST(NetUseTest, PropagateDownAndLrMultDecideWhatIsVisited) {
  const std::string head =
      "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'b' bottom: 'label' }";
  this->Init(this->Data(this->InnerProduct("a", "data") +
                        this->InnerProduct("b", "a", "propagate_down: false") + head));
  EXPECT_FALSE(this->net_->layer_need_backward()[1]);
  EXPECT_TRUE(this->net_->layer_need_backward()[2]);
  EXPECT_FALSE(this->net_->bottom_need_backward()[2][0]);
  this->Init(this->Data(this->InnerProduct("a", "data", "param { lr_mult: 0 }") +
                        this->InnerProduct("b", "a") + head));
  EXPECT_FALSE(this->net_->layer_need_backward()[1]);
  EXPECT_TRUE(this->net_->has_params_lr()[0]);
  EXPECT_FALSE(this->net_->has_params_lr()[1]);
  EXPECT_EQ(0, this->net_->params_lr()[0]);
  EXPECT_EQ(1, this->net_->params_lr()[1]);
  this->Init("force_backward: true " +
             this->Data(this->InnerProduct("a", "data") + this->InnerProduct("b", "a") + head));
  EXPECT_TRUE(this->net_->bottom_need_backward()[1][0]);
  EXPECT_FALSE(this->net_->bottom_need_backward()[3][1]);
}

TYPED_TEST(NetUseTest, ReshapesWithItsInputs) {
  this->Init(
      "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 "
      "} } } layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' convolution_param { "
      "num_output: 3 kernel_size: 3 weight_filler { type: 'gaussian' } } } layer { name: 'p' "
      "type: 'Pooling' bottom: 'c' top: 'p' pooling_param { kernel_size: 2 stride: 2 } }");
  Blob<TypeParam>* x = this->net_->input_blobs()[0];
  Blob<TypeParam>* p = this->net_->output_blobs()[0];
  const int sizes[] = {8, 5, 12, 8};
  TypeParam first = 0;
  for (int i = 0; i < 4; ++i) {
    x->Reshape(i == 2 ? 3 : 1, 2, sizes[i], sizes[i]);
    caffe_set(x->count(), TypeParam(1), x->mutable_cpu_data());
    if (i % 2) this->net_->Reshape();
    this->net_->Forward();
    EXPECT_EQ((sizes[i] - 2 + 1) / 2, p->height());
    EXPECT_EQ(x->num(), p->num());
    if (i == 0) first = p->cpu_data()[0];
    EXPECT_EQ(first, p->cpu_data()[0]);
  }
  EXPECT_EQ(x, this->net_->blob_by_name("x").get());
}

TYPED_TEST(NetUseTest, RunsBackwardOnlyOnTheShapesOfForward) {
  this->Init(
      "force_backward: true layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 "
      "dim: 3 } } } layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'y' } layer { name: 'b' type: "
      "'TanH' bottom: 'y' top: 'z' }");
  Blob<TypeParam>* x = this->net_->input_blobs()[0];
  this->net_->Forward();
  this->net_->Backward();
  x->Reshape({200, 300});
  EXPECT_THROW(this->net_->Backward(), Error);
  this->net_->BackwardFromTo(2, 2);
  this->net_->ForwardFromTo(0, 1);
  this->net_->BackwardFrom(1);
  EXPECT_THROW(this->net_->Backward(), Error);
  this->net_->Reshape();
  this->net_->Backward();
  x->Reshape({3, 2});
  EXPECT_THROW(this->net_->Backward(), Error);
  this->net_->Forward();
  this->net_->Backward();
}

TYPED_TEST(NetUseTest, RunsOnTheBlobsThatAreGiven) {
  this->Init(
      "layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: 2 } } } "
      "layer { name: 's' type: 'Eltwise' bottom: 'x' bottom: 'y' top: 's' }");
  const vector<Blob<TypeParam>*>& inputs = this->net_->input_blobs();
  for (int i = 0; i < 2; ++i) caffe_set(2, TypeParam(10), inputs[i]->mutable_cpu_data());
  Blob<TypeParam> given(vector<int>(1, 2));
  caffe_set(2, TypeParam(1), given.mutable_cpu_data());
  vector<Blob<TypeParam>*> bottom;
  TypeParam loss;
  EXPECT_EQ(20, this->net_->Forward(bottom, &loss)[0]->cpu_data()[0]);
  bottom.push_back(&given);
  EXPECT_EQ(11, this->net_->Forward(bottom)[0]->cpu_data()[0]);
  bottom.resize(3, &given);
  EXPECT_THROW(this->net_->Forward(bottom), std::exception);
}

TYPED_TEST(NetUseTest, HasPlainFunctionsForBindings) {
  TypeParam (Net<TypeParam>::*both)() = &Net<TypeParam>::ForwardBackward;
  this->Init(
      "layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 2 } } } "
      "layer { name: 's' type: 'Reduction' bottom: 'x' top: 's' loss_weight: 1 }");
  EXPECT_EQ(0, (this->net_.get()->*both)());
}

TYPED_TEST(NetUseTest, SeesInputsAndShowsOutputsThroughKeptPointers) {
  for (const char* phase : {"TRAIN", "TEST"}) {
    this->Init(
        "force_backward: true state { phase: " + std::string(phase) +
        " } layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 32 dim: 6 "
        "dim: 6 } } } layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' "
        "convolution_param { num_output: 32 kernel_size: 3 weight_filler { value: 1 } } }");
    Blob<TypeParam>* x = this->net_->input_blobs()[0];
    Blob<TypeParam>* c = this->net_->output_blobs()[0];
    TypeParam* values = x->mutable_cpu_data();
    TypeParam* top_diffs = c->mutable_cpu_diff();
    const TypeParam* sums = c->cpu_data();
    const TypeParam* diffs = x->cpu_diff();
    for (int round = 1; round < 4; ++round) {
      for (int i = 0; i < x->count(); ++i) values[i] = round;
      for (int i = 0; i < c->count(); ++i) top_diffs[i] = round;
      this->net_->Forward();
      EXPECT_EQ(32 * 9 * round, sums[7]);
      this->net_->Backward();
      EXPECT_EQ(32 * round, diffs[0]);
    }
  }
}

TYPED_TEST(NetUseTest, HandsItsWeightsOn) {
  const std::string text =
      this->Data(this->InnerProduct("a", "data") + this->InnerProduct("b", "a"));
  this->Init(text);
  NetParameter saved;
  this->net_->ToProto(&saved);
  Caffe::set_random_seed(5);
  Net<TypeParam> other(FromText<NetParameter>(text));
  EXPECT_NE(other.params()[0]->cpu_data()[0], this->net_->params()[0]->cpu_data()[0]);
  other.CopyTrainedLayersFrom(saved);
  EXPECT_EQ(other.params()[0]->cpu_data()[0], this->net_->params()[0]->cpu_data()[0]);
  Net<TypeParam> sharing(FromText<NetParameter>(text));
  sharing.ShareTrainedLayersWith(&other);
  EXPECT_EQ(other.params()[1]->cpu_data(), sharing.params()[1]->cpu_data());
  std::string file;
  MakeTempFilename(&file);
  WriteProtoToBinaryFile(saved, file);
  Net<TypeParam> loaded(FromText<NetParameter>(text));
  loaded.CopyTrainedLayersFrom(file);
  EXPECT_EQ(loaded.params()[1]->cpu_data()[8], this->net_->params()[1]->cpu_data()[8]);
  // Diffs stand in a group of their own.
  this->net_->params()[1]->mutable_cpu_diff()[8] = 7;
  this->net_->ToHDF5(file, true);
  const hid_t hdf5 = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t group = H5Gopen2(hdf5, "diff/b", H5P_DEFAULT);
  Blob<TypeParam> diff;
  hdf5_load_nd_dataset(group, "0", 0, 4, &diff, true);
  EXPECT_EQ(7, diff.cpu_data()[8]);
  EXPECT_GE(H5Gclose(group), 0);
  EXPECT_GE(H5Fclose(hdf5), 0);
}

TYPED_TEST(NetUseTest, RunsInParts) {
  this->Init(this->Data(this->InnerProduct("a", "data") + this->InnerProduct("b", "a")));
  this->net_->Forward();
  const shared_ptr<Blob<TypeParam>> a = this->net_->blob_by_name("a");
  caffe_set(a->count(), TypeParam(0), a->mutable_cpu_data());
  this->net_->ForwardFrom(2);
  EXPECT_EQ(0, this->net_->blob_by_name("b")->asum_data());
  this->net_->ForwardFromTo(1, 1);
  EXPECT_NE(0, a->asum_data());
  EXPECT_EQ(0, this->net_->blob_by_name("b")->asum_data());
}

TEST(NetErrors, CallCopiesOfABlobByItsNameInTheFile) {
  const std::string text =
      "layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: 2 dim: 3 } "
      "shape { dim: 2 dim: 4 } } } layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }"
      "layer { name: 'sum' type: 'Eltwise' bottom: 'x' bottom: 'y' top: 'sum' }";
  try {
    Net<float> net(FromText<NetParameter>(text));
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(0u, message.find("layer 'sum' (Eltwise; bottoms: x 2 3 (6), y 2 4 (8)): "))
        << message;
  }
}

}  // namespace caffe
