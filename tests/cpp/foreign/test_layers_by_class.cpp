// Layers made by their class and run by hand, as unit tests and other programs do it.

#include <cmath>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/layers/accuracy_layer.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/deconv_layer.hpp"
#include "caffe/layers/dropout_layer.hpp"
#include "caffe/layers/flatten_layer.hpp"
#include "caffe/layers/inner_product_layer.hpp"
#include "caffe/layers/lstm_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/prelu_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/rnn_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "caffe/layers/split_layer.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class LayerByClass : public OneToOne<Dtype> {};
TYPED_TEST_SUITE(LayerByClass, FloatAndDouble, );

TYPED_TEST(LayerByClass, TakesBlobsThatWereSetBeforeSetUp) {
  typedef TypeParam Dtype;
  this->Put({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, this->bottom_.get());
  LayerParameter param;
  ConvolutionParameter* conv = param.mutable_convolution_param();
  conv->add_kernel_size(2);
  conv->set_num_output(1);
  conv->set_bias_term(false);
  const shared_ptr<Layer<Dtype>> layer(new ConvolutionLayer<Dtype>(param));
  layer->blobs().resize(1);
  layer->blobs()[0].reset(new Blob<Dtype>(1, 1, 2, 2));
  Dtype* weights = layer->blobs()[0]->mutable_cpu_data();
  for (int i = 0; i < 4; ++i) weights[i] = i;
  layer->SetUp(this->bottom_vec_, this->top_vec_);
  layer->Forward(this->bottom_vec_, this->top_vec_);
  // 0 * 1 + 1 * 2 + 2 * 4 + 3 * 5
  this->ExpectValues({25, 31, 43, 49}, this->top_->cpu_data());
  // Pointers taken before a Forward show what it wrote.
  const Dtype* kept = this->top_->cpu_data();
  layer->blobs()[0]->scale_data(2);
  layer->Forward(this->bottom_vec_, this->top_vec_);
  this->top_->cpu_data();
  EXPECT_EQ(50, kept[0]);
}

TYPED_TEST(LayerByClass, ConvolutionAddsToParameterDiffsAndLeavesUnwantedDiffs) {
  typedef TypeParam Dtype;
  this->FillBottom({2, 2, 5, 4});
  LayerParameter param;
  ConvolutionParameter* conv = param.mutable_convolution_param();
  conv->add_kernel_size(3);
  conv->add_pad(1);
  conv->set_num_output(3);
  conv->mutable_weight_filler()->set_type("gaussian");
  ConvolutionLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  caffe_set(this->top_->count(), Dtype(1), this->top_->mutable_cpu_diff());
  for (int i = 0; i < 2; ++i) {
    Blob<Dtype>& blob = *layer.blobs()[i];
    caffe_set(blob.count(), Dtype(0), blob.mutable_cpu_diff());
  }
  caffe_set(this->bottom_->count(), Dtype(7), this->bottom_->mutable_cpu_diff());
  layer.Backward(this->top_vec_, std::vector<bool>(1, false), this->bottom_vec_);
  EXPECT_EQ(7, this->bottom_->cpu_diff()[3]);
  EXPECT_NEAR(40, layer.blobs()[1]->cpu_diff()[2], 1e-4);
  const Dtype once = layer.blobs()[0]->cpu_diff()[5];
  layer.Backward(this->top_vec_, std::vector<bool>(1, true), this->bottom_vec_);
  EXPECT_NEAR(80, layer.blobs()[1]->cpu_diff()[2], 1e-4);
  EXPECT_NEAR(2 * once, layer.blobs()[0]->cpu_diff()[5], 1e-4);
  EXPECT_NE(7, this->bottom_->cpu_diff()[3]);
  layer.set_param_propagate_down(0, false);
  EXPECT_FALSE(layer.param_propagate_down(0));
  layer.Backward(this->top_vec_, std::vector<bool>(1, true), this->bottom_vec_);
  EXPECT_NEAR(2 * once, layer.blobs()[0]->cpu_diff()[5], 1e-4);
  EXPECT_NEAR(120, layer.blobs()[1]->cpu_diff()[2], 1e-4);
}

template <typename Dtype, template <typename> class Kind>
void CompareWithForcedNd(Blob<Dtype>* bottom) {
  Blob<Dtype> bottom_nd, top_2d, top_nd;
  bottom_nd.CopyFrom(*bottom, false, true);
  std::vector<Blob<Dtype>*> bottoms[] = {{bottom}, {&bottom_nd}}, tops[] = {{&top_2d}, {&top_nd}};
  shared_ptr<Layer<Dtype>> layers[2];
  for (int i = 0; i < 2; ++i) {
    LayerParameter param;
    ConvolutionParameter* conv = param.mutable_convolution_param();
    conv->set_num_output(6);
    conv->set_group(3);
    conv->add_pad(4);
    conv->add_stride(2);
    conv->add_kernel_size(11);
    conv->mutable_weight_filler()->set_type("gaussian");
    conv->set_force_nd_im2col(i == 1);
    layers[i].reset(new Kind<Dtype>(param));
    Caffe::set_random_seed(5);
    layers[i]->SetUp(bottoms[i], tops[i]);
    layers[i]->Forward(bottoms[i], tops[i]);
    caffe_copy(tops[i][0]->count(), tops[i][0]->cpu_data(), tops[i][0]->mutable_cpu_diff());
    layers[i]->Backward(tops[i], std::vector<bool>(1, true), bottoms[i]);
  }
  for (int j = 0; j < top_2d.count(); ++j) {
    ASSERT_EQ(top_2d.cpu_data()[j], top_nd.cpu_data()[j]);
  }
  for (int j = 0; j < bottom->count(); ++j) {
    ASSERT_EQ(bottom->cpu_diff()[j], bottom_nd.cpu_diff()[j]);
  }
  for (int j = 0; j < layers[0]->blobs()[0]->count(); ++j) {
    ASSERT_EQ(layers[0]->blobs()[0]->cpu_diff()[j], layers[1]->blobs()[0]->cpu_diff()[j]);
  }
}

TYPED_TEST(LayerByClass, ForcedNdConvolutionGivesTheSameBits) {
  this->FillBottom({2, 9, 15, 13});
  CompareWithForcedNd<TypeParam, ConvolutionLayer>(this->bottom_.get());
  CompareWithForcedNd<TypeParam, DeconvolutionLayer>(this->bottom_.get());
}

TYPED_TEST(LayerByClass, InPlaceActivationAfterALayerMatchesTheOneBeside) {
  typedef TypeParam Dtype;
  this->FillBottom({3, 2, 4, 4});
  LayerParameter ip_param, prelu_param;
  ip_param.mutable_inner_product_param()->set_num_output(5);
  ip_param.mutable_inner_product_param()->mutable_weight_filler()->set_type("gaussian");
  Blob<Dtype> middle, bottom_2, middle_2;
  bottom_2.CopyFrom(*this->bottom_, false, true);
  std::vector<Blob<Dtype>*> middle_vec(1, &middle), bottom_vec_2(1, &bottom_2),
      middle_vec_2(1, &middle_2);
  InnerProductLayer<Dtype> ip(ip_param), ip_2(ip_param);
  PReLULayer<Dtype> prelu(prelu_param), prelu_2(prelu_param);
  ip.SetUp(this->bottom_vec_, middle_vec);
  prelu.SetUp(middle_vec, this->top_vec_);
  ip_2.SetUp(bottom_vec_2, middle_vec_2);
  prelu_2.SetUp(middle_vec_2, middle_vec_2);
  caffe_copy(ip.blobs()[0]->count(), ip.blobs()[0]->cpu_data(),
             ip_2.blobs()[0]->mutable_cpu_data());
  ip.Forward(this->bottom_vec_, middle_vec);
  prelu.Forward(middle_vec, this->top_vec_);
  ip_2.Forward(bottom_vec_2, middle_vec_2);
  prelu_2.Forward(middle_vec_2, middle_vec_2);
  const int count = middle_2.count();
  for (int i = 0; i < count; ++i) {
    EXPECT_EQ(this->top_->cpu_data()[i], middle_2.cpu_data()[i]);
    this->top_->mutable_cpu_diff()[i] = middle_2.mutable_cpu_diff()[i] = i - 7;
  }
  const std::vector<bool> down(1, true);
  prelu.Backward(this->top_vec_, down, middle_vec);
  ip.Backward(middle_vec, down, this->bottom_vec_);
  prelu_2.Backward(middle_vec_2, down, middle_vec_2);
  ip_2.Backward(middle_vec_2, down, bottom_vec_2);
  for (int i = 0; i < bottom_2.count(); ++i) {
    EXPECT_EQ(this->bottom_->cpu_diff()[i], bottom_2.cpu_diff()[i]);
  }
  for (int i = 0; i < prelu.blobs()[0]->count(); ++i) {
    EXPECT_EQ(prelu.blobs()[0]->cpu_diff()[i], prelu_2.blobs()[0]->cpu_diff()[i]);
  }
}

TYPED_TEST(LayerByClass, PReLUWithAFixedSlopeIsALeakyReLU) {
  typedef TypeParam Dtype;
  this->FillBottom({2, 3, 4, 5});
  LayerParameter prelu_param, relu_param;
  relu_param.mutable_relu_param()->set_negative_slope(0.25);
  Blob<Dtype> other;
  std::vector<Blob<Dtype>*> other_vec(1, &other);
  PReLULayer<Dtype> prelu(prelu_param);
  ReLULayer<Dtype> relu(relu_param);
  prelu.SetUp(this->bottom_vec_, this->top_vec_);
  relu.SetUp(this->bottom_vec_, other_vec);
  prelu.Forward(this->bottom_vec_, this->top_vec_);
  relu.Forward(this->bottom_vec_, other_vec);
  for (int i = 0; i < other.count(); ++i) EXPECT_EQ(other.cpu_data()[i], this->top_->cpu_data()[i]);
}

TYPED_TEST(LayerByClass, DropoutScalesWhatItKeepsInTrainAndCopiesInTest) {
  typedef TypeParam Dtype;
  this->FillBottom({2, 3, 6, 5});
  LayerParameter param;
  param.mutable_dropout_param()->set_dropout_ratio(0.75);
  param.set_phase(TRAIN);
  DropoutLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  int kept = 0;
  for (int i = 0; i < this->top_->count(); ++i) {
    const Dtype y = this->top_->cpu_data()[i];
    if (y == 0) continue;
    ++kept;
    EXPECT_EQ(y, this->bottom_->cpu_data()[i] * 4);
  }
  EXPECT_NEAR(45, kept, 25);
  param.set_phase(TEST);
  DropoutLayer<Dtype> tested(param);
  tested.SetUp(this->bottom_vec_, this->top_vec_);
  tested.Forward(this->bottom_vec_, this->top_vec_);
  for (int i = 0; i < this->top_->count(); ++i) {
    EXPECT_EQ(this->bottom_->cpu_data()[i], this->top_->cpu_data()[i]);
  }
}

TYPED_TEST(LayerByClass, MaxPoolingGivesItsMaskAsSecondTop) {
  typedef TypeParam Dtype;
  this->Put({1, 1, 3, 5}, {1, 2, 5, 2, 3, 9, 4, 1, 4, 8, 1, 2, 5, 2, 3}, this->bottom_.get());
  LayerParameter param;
  param.mutable_pooling_param()->set_kernel_size(2);
  param.mutable_pooling_param()->set_pool(PoolingParameter_PoolMethod_MAX);
  Blob<Dtype> mask;
  this->top_vec_.push_back(&mask);
  PoolingLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(2, this->top_->height());
  EXPECT_EQ(4, mask.width());
  layer.Forward(this->bottom_vec_, this->top_vec_);
  this->ExpectValues({9, 5, 5, 8, 9, 5, 5, 8}, this->top_->cpu_data());
  this->ExpectValues({5, 2, 2, 9, 5, 12, 12, 9}, mask.cpu_data());
}

TYPED_TEST(LayerByClass, FlattenAndSplitShareTheirBottomsMemory) {
  typedef TypeParam Dtype;
  this->FillBottom({2, 3, 6, 5});
  LayerParameter param;
  FlattenLayer<Dtype> flatten(param);
  flatten.SetUp(this->bottom_vec_, this->top_vec_);
  flatten.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(90, this->top_->channels());
  EXPECT_EQ(this->bottom_->cpu_data(), this->top_->cpu_data());
  Blob<Dtype> a, b;
  std::vector<Blob<Dtype>*> tops;
  tops.push_back(&a);
  tops.push_back(&b);
  SplitLayer<Dtype> split(param);
  split.SetUp(this->bottom_vec_, tops);
  split.Forward(this->bottom_vec_, tops);
  for (int i = 0; i < a.count(); ++i) {
    EXPECT_EQ(this->bottom_->cpu_data()[i], a.cpu_data()[i]);
    EXPECT_EQ(this->bottom_->cpu_data()[i], b.cpu_data()[i]);
    a.mutable_cpu_diff()[i] = i;
    b.mutable_cpu_diff()[i] = 2;
  }
  split.Backward(tops, std::vector<bool>(1, true), this->bottom_vec_);
  EXPECT_EQ(13, this->bottom_->cpu_diff()[11]);
}

TYPED_TEST(LayerByClass, LossLayersReturnTheWeightedLoss) {
  typedef TypeParam Dtype;
  this->Put({2, 2}, {0, 0, Dtype(std::log(3.)), 0}, this->bottom_.get());
  Blob<Dtype> labels(std::vector<int>(1, 2));
  labels.mutable_cpu_data()[0] = 0;
  labels.mutable_cpu_data()[1] = 1;
  this->bottom_vec_.push_back(&labels);
  LayerParameter param;
  param.add_loss_weight(3);
  SoftmaxWithLossLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(3, layer.loss(0));
  EXPECT_EQ(0, this->top_->num_axes());
  const double loss = (std::log(2.) + std::log(4.)) / 2;
  EXPECT_NEAR(3 * loss, layer.Forward(this->bottom_vec_, this->top_vec_), 1e-5);
  EXPECT_NEAR(loss, this->top_->cpu_data()[0], 1e-5);
  EXPECT_EQ(3, this->top_->cpu_diff()[0]);
  std::vector<bool> down(2, false);
  down[0] = true;
  layer.Backward(this->top_vec_, down, this->bottom_vec_);
  this->ExpectValues({-0.75, 0.75, 1.125, -1.125}, this->bottom_->cpu_diff());
  down[1] = true;
  EXPECT_THROW(layer.Backward(this->top_vec_, down, this->bottom_vec_), Error);
}

TYPED_TEST(LayerByClass, AccuracyCountsTopKAndPerClass) {
  typedef TypeParam Dtype;
  this->Put({3, 3}, {3, 2, 1, 1, 3, 2, 1, 2, 3}, this->bottom_.get());
  Blob<Dtype> labels(std::vector<int>(1, 3)), per_class;
  for (int i = 0; i < 3; ++i) labels.mutable_cpu_data()[i] = i / 2;
  this->bottom_vec_.push_back(&labels);
  this->top_vec_.push_back(&per_class);
  LayerParameter param;
  AccuracyLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_NEAR(1. / 3, this->top_->cpu_data()[0], 1e-6);
  this->ExpectValues({0.5, 0, 0}, per_class.cpu_data());
  param.mutable_accuracy_param()->set_top_k(2);
  AccuracyLayer<Dtype> top_2(param);
  top_2.SetUp(this->bottom_vec_, this->top_vec_);
  top_2.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_NEAR(2. / 3, this->top_->cpu_data()[0], 1e-6);
  param.mutable_accuracy_param()->set_top_k(4);
  AccuracyLayer<Dtype> too_many(param);
  EXPECT_THROW(too_many.SetUp(this->bottom_vec_, this->top_vec_), Error);
}

// A recurrent layer run on single steps carries its state on, and forgets it where a sequence
// begins and on Reset.
template <typename Dtype, template <typename> class Kind>
void ExpectStepsToEqualTheSequence() {
  Blob<Dtype> x(std::vector<int>{3, 2, 4}), cont(std::vector<int>{3, 2}), top,
      x1(std::vector<int>{1, 2, 4}), cont1(std::vector<int>{1, 2}), top1;
  FillerParameter gaussian;
  Caffe::set_random_seed(9);
  GaussianFiller<Dtype>(gaussian).Fill(&x);
  const Dtype begins[] = {0, 0, 1, 1, 1, 0};
  caffe_copy(6, begins, cont.mutable_cpu_data());
  LayerParameter param;
  param.mutable_recurrent_param()->set_num_output(3);
  param.mutable_recurrent_param()->mutable_weight_filler()->set_type("gaussian");
  std::vector<Blob<Dtype>*> bottom{&x, &cont}, tops{&top}, bottom1{&x1, &cont1}, tops1{&top1};
  Caffe::set_random_seed(1701);
  Kind<Dtype> whole(param);
  whole.SetUp(bottom, tops);
  whole.Forward(bottom, tops);
  Caffe::set_random_seed(1701);
  Kind<Dtype> stepped(param);
  stepped.SetUp(bottom1, tops1);
  for (int t = 0; t < 3; ++t) {
    caffe_copy(8, x.cpu_data() + 8 * t, x1.mutable_cpu_data());
    caffe_copy(2, cont.cpu_data() + 2 * t, cont1.mutable_cpu_data());
    stepped.Forward(bottom1, tops1);
    for (int i = 0; i < 6; ++i) {
      EXPECT_NEAR(top.cpu_data()[6 * t + i], top1.cpu_data()[i], 1e-5) << t << " " << i;
    }
  }
  stepped.Reset();
  caffe_copy(8, x.cpu_data(), x1.mutable_cpu_data());
  caffe_set(2, Dtype(1), cont1.mutable_cpu_data());
  stepped.Forward(bottom1, tops1);
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(top.cpu_data()[i], top1.cpu_data()[i], 1e-5);
}

TYPED_TEST(LayerByClass, RecurrentLayersCarryTheirStateFromForwardToForward) {
  ExpectStepsToEqualTheSequence<TypeParam, LSTMLayer>();
  ExpectStepsToEqualTheSequence<TypeParam, RNNLayer>();
}

// Gradient checkers hold on to pointers to the memory of blobs and change single values.
TYPED_TEST(LayerByClass, SeesAndShowsValuesThroughKeptPointers) {
  typedef TypeParam Dtype;
  const int channels = 32;
  this->FillBottom({1, channels, 6, 6});
  Blob<Dtype> middle;
  std::vector<Blob<Dtype>*> middle_vec(1, &middle);
  LayerParameter param;
  ConvolutionParameter* conv = param.mutable_convolution_param();
  conv->add_kernel_size(3);
  conv->set_num_output(channels);
  conv->mutable_weight_filler()->set_type("gaussian");
  ConvolutionLayer<Dtype> first(param);
  first.SetUp(this->bottom_vec_, middle_vec);
  ReLULayer<Dtype> second(param);
  second.SetUp(middle_vec, this->top_vec_);
  first.Forward(this->bottom_vec_, middle_vec);
  second.Forward(middle_vec, this->top_vec_);
  Dtype* x = this->bottom_->mutable_cpu_data();
  Dtype* w = first.blobs()[0]->mutable_cpu_data();
  const Dtype* y = this->top_->cpu_data();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < this->bottom_->count(); ++i) x[i] = 1;
    for (int i = 0; i < first.blobs()[0]->count(); ++i) w[i] = round + 1;
    first.Forward(this->bottom_vec_, middle_vec);
    second.Forward(middle_vec, this->top_vec_);
    EXPECT_NEAR(channels * 9 * (round + 1), y[5], 1e-2);
    EXPECT_EQ(y, this->top_->cpu_data());
  }
}

}  // namespace caffe
