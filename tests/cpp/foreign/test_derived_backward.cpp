// Layers of somebody else that compute Forward themselves and leave Backward to their base.

#include <algorithm>
#include <cmath>
#include <vector>

#include "caffe/layers/dropout_layer.hpp"
#include "caffe/layers/hinge_loss_layer.hpp"
#include "caffe/layers/infogain_loss_layer.hpp"
#include "caffe/layers/multinomial_logistic_loss_layer.hpp"
#include "caffe/layers/prelu_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class DerivedBackward : public OneToOne<Dtype> {
 protected:
  // Scores of `classes` classes, and labels.
  void PutScoresAndLabels(int items, int classes) {
    this->FillBottom({items, classes});
    labels_.Reshape(std::vector<int>(1, items));
    for (int i = 0; i < items; ++i) labels_.mutable_cpu_data()[i] = (2 * i) % classes;
    this->bottom_vec_.push_back(&labels_);
  }
  void CheckGradient(Layer<Dtype>* layer) {
    GradientChecker<Dtype>(1e-2, 1e-2)
        .CheckGradientExhaustive(layer, this->bottom_vec_, this->top_vec_, 0);
  }

  Blob<Dtype> labels_;
};
TYPED_TEST_SUITE(DerivedBackward, FloatAndDouble, );

// ---- losses ----

// Weighs each class, with what SoftmaxWithLoss does not know of in its bottoms.
template <typename Dtype>
class WeighedSoftmaxLossLayer : public SoftmaxWithLossLayer<Dtype> {
 public:
  explicit WeighedSoftmaxLossLayer(const LayerParameter& param)
      : SoftmaxWithLossLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
    const LossParameter& param = this->layer_param_.loss_param();
    Dtype loss = 0;
    int counted = 0;
    for (int i = 0; i < bottom[0]->num(); ++i) {
      const int label = static_cast<int>(bottom[1]->cpu_data()[i]);
      if (this->has_ignore_label_ && label == this->ignore_label_) continue;
      const Dtype weight = param.class_weighting_size() ? param.class_weighting(label) : Dtype(1);
      loss -= weight * std::log(this->prob_.data_at(i, label, 0, 0));
      ++counted;
    }
    top[0]->mutable_cpu_data()[0] = loss / this->get_normalizer(this->normalization_, counted);
  }
};

TYPED_TEST(DerivedBackward, SoftmaxLossReadsLabelsAndWeights) {
  this->PutScoresAndLabels(5, 3);
  for (const char* text : {"", "ignore_label: 1", "class_weighting: [1, 2, 3]",
                           "ignore_label: 2 normalization: FULL", "normalization: NONE"}) {
    LayerParameter param;
    *param.mutable_loss_param() = FromText<LossParameter>(text);
    WeighedSoftmaxLossLayer<TypeParam> layer(param);
    this->CheckGradient(&layer);
  }
}

// The labels of a batch must not be those of the last one that the base has seen.
template <typename Dtype>
class SometimesOwnLossLayer : public WeighedSoftmaxLossLayer<Dtype> {
 public:
  explicit SometimesOwnLossLayer(const LayerParameter& param)
      : WeighedSoftmaxLossLayer<Dtype>(param), passes_(0) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    if (passes_++ % 2) return WeighedSoftmaxLossLayer<Dtype>::Forward_cpu(bottom, top);
    SoftmaxWithLossLayer<Dtype>::Forward_cpu(bottom, top);
  }

 private:
  int passes_;
};

TYPED_TEST(DerivedBackward, SoftmaxLossReadsTheLabelsOfThisPass) {
  this->PutScoresAndLabels(2, 3);
  SometimesOwnLossLayer<TypeParam> layer((LayerParameter()));
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  for (const int label : {0, 1, 2, 0}) {
    caffe_set(2, TypeParam(label), this->labels_.mutable_cpu_data());
    layer.Forward(this->bottom_vec_, this->top_vec_);
    layer.Backward(this->top_vec_, {true, false}, this->bottom_vec_);
    for (int c = 0; c < 3; ++c) EXPECT_EQ(c == label, this->bottom_->cpu_diff()[c] < 0);
  }
}

template <typename Dtype>
class OwnInfogainLossLayer : public InfogainLossLayer<Dtype> {
 public:
  explicit OwnInfogainLossLayer(const LayerParameter& param) : InfogainLossLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
    const Dtype* prob = this->prob_.cpu_data();
    const int num = bottom[0]->num();
    const int dim = this->num_labels_;
    Dtype loss = 0;
    for (int i = 0; i < num; ++i) {
      const int label = static_cast<int>(bottom[1]->cpu_data()[i]);
      for (int k = 0; k < dim; ++k) {
        loss -= bottom[2]->cpu_data()[label * dim + k] * std::log(prob[i * dim + k]);
      }
    }
    top[0]->mutable_cpu_data()[0] = loss / this->get_normalizer(this->normalization_, num);
  }
};

TYPED_TEST(DerivedBackward, InfogainLossReadsLabelsAndMatrix) {
  this->PutScoresAndLabels(4, 3);
  Blob<TypeParam> gains(std::vector<int>{3, 3});
  for (int i = 0; i < 9; ++i) gains.mutable_cpu_data()[i] = i % 4;
  this->bottom_vec_.push_back(&gains);
  OwnInfogainLossLayer<TypeParam> layer((LayerParameter()));
  this->CheckGradient(&layer);
}

template <typename Dtype>
class OwnLogisticLossLayer : public MultinomialLogisticLossLayer<Dtype> {
 public:
  explicit OwnLogisticLossLayer(const LayerParameter& param)
      : MultinomialLogisticLossLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Dtype loss = 0;
    for (int i = 0; i < bottom[0]->num(); ++i) {
      const int label = static_cast<int>(bottom[1]->cpu_data()[i]);
      loss -= std::log(std::max(bottom[0]->data_at(i, label, 0, 0), Dtype(kLOG_THRESHOLD)));
    }
    top[0]->mutable_cpu_data()[0] = loss / bottom[0]->num();
  }
};

TYPED_TEST(DerivedBackward, LogisticLossReadsLabels) {
  this->PutScoresAndLabels(4, 3);
  for (int i = 0; i < 12; ++i) this->bottom_->mutable_cpu_data()[i] = TypeParam(0.4) + i % 3;
  OwnLogisticLossLayer<TypeParam> layer((LayerParameter()));
  this->CheckGradient(&layer);
}

// Asks for margins of 2. Backward wants them where Caffe 1.0's Forward left them.
template <typename Dtype>
class WideHingeLossLayer : public HingeLossLayer<Dtype> {
 public:
  explicit WideHingeLossLayer(const LayerParameter& param) : HingeLossLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Dtype* margins = bottom[0]->mutable_cpu_diff();
    const int classes = bottom[0]->channels();
    for (int i = 0; i < bottom[0]->count(); ++i) {
      const bool is_class = static_cast<int>(bottom[1]->cpu_data()[i / classes]) == i % classes;
      const Dtype score = bottom[0]->cpu_data()[i];
      margins[i] = std::max(Dtype(0), 2 + (is_class ? -score : score));
    }
    const bool squared = this->layer_param_.hinge_loss_param().norm() == HingeLossParameter_Norm_L2;
    const Dtype loss = squared ? caffe_cpu_dot(bottom[0]->count(), margins, margins)
                               : caffe_cpu_asum(bottom[0]->count(), margins);
    top[0]->mutable_cpu_data()[0] = loss / bottom[0]->num();
  }
};

TYPED_TEST(DerivedBackward, HingeLossTakesItsMarginsFromTheDiff) {
  this->PutScoresAndLabels(4, 3);
  for (const HingeLossParameter_Norm norm :
       {HingeLossParameter_Norm_L1, HingeLossParameter_Norm_L2}) {
    LayerParameter param;
    param.mutable_hinge_loss_param()->set_norm(norm);
    WideHingeLossLayer<TypeParam> layer(param);
    this->CheckGradient(&layer);
  }
}

// Leaves the margins of its own in every other pass.
template <typename Dtype>
class SometimesWideHingeLossLayer : public WideHingeLossLayer<Dtype> {
 public:
  explicit SometimesWideHingeLossLayer(const LayerParameter& param)
      : WideHingeLossLayer<Dtype>(param), passes_(0) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    if (passes_++ % 2) return WideHingeLossLayer<Dtype>::Forward_cpu(bottom, top);
    HingeLossLayer<Dtype>::Forward_cpu(bottom, top);
  }

 private:
  int passes_;
};

TYPED_TEST(DerivedBackward, HingeLossHasTheMarginsOfThisPass) {
  this->PutScoresAndLabels(1, 3);
  // Beyond the base's margin of 1, and within 2.
  for (int c = 0; c < 3; ++c) this->bottom_->mutable_cpu_data()[c] = -1.5;
  caffe_set(1, TypeParam(0), this->labels_.mutable_cpu_data());
  SometimesWideHingeLossLayer<TypeParam> layer((LayerParameter()));
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  for (const TypeParam other : {0, 1, 0, 1}) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    layer.Backward(this->top_vec_, {true, false}, this->bottom_vec_);
    EXPECT_EQ(-1, this->bottom_->cpu_diff()[0]);
    EXPECT_EQ(other, this->bottom_->cpu_diff()[1]);
  }
}

// ---- what Forward leaves for Backward ----

// Drops what the elements' places say.
template <typename Dtype>
class FixedDropoutLayer : public DropoutLayer<Dtype> {
 public:
  explicit FixedDropoutLayer(const LayerParameter& param) : DropoutLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    unsigned int* mask = this->rand_vec_.mutable_cpu_data();
    for (int i = 0; i < bottom[0]->count(); ++i) {
      mask[i] = i / 4 % 2;
      top[0]->mutable_cpu_data()[i] = bottom[0]->cpu_data()[i] * mask[i] * this->scale_;
    }
  }
};

TYPED_TEST(DerivedBackward, DropoutTakesTheMaskThatForwardLeft) {
  this->FillBottom({2, 3, 4});
  LayerParameter param;
  param.set_phase(TRAIN);
  FixedDropoutLayer<TypeParam> layer(param);
  GradientChecker<TypeParam>(1e-2, 1e-3)
      .CheckGradientEltwise(&layer, this->bottom_vec_, this->top_vec_);
}

template <typename Dtype>
class OwnPReLULayer : public PReLULayer<Dtype> {
 public:
  explicit OwnPReLULayer(const LayerParameter& param) : PReLULayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    const int count = bottom[0]->count();
    const int dim = bottom[0]->count(2);
    const Dtype* slopes = this->blobs_[0]->cpu_data();
    if (bottom[0] == top[0]) {
      caffe_copy(count, bottom[0]->cpu_data(), this->bottom_memory_.mutable_cpu_data());
    }
    for (int i = 0; i < count; ++i) {
      const Dtype x = bottom[0]->cpu_data()[i];
      const Dtype slope = slopes[this->channel_shared_ ? 0 : i / dim % bottom[0]->channels()];
      top[0]->mutable_cpu_data()[i] = std::max(x, Dtype(0)) + slope * std::min(x, Dtype(0));
    }
  }
};

TYPED_TEST(DerivedBackward, PReLUTakesTheInputThatForwardLeft) {
  this->FillBottom({2, 3, 4});
  OwnPReLULayer<TypeParam> layer((LayerParameter()));
  GradientChecker<TypeParam>(1e-2, 1e-2, 1701, 0, 0.02)
      .CheckGradient(&layer, this->bottom_vec_, this->top_vec_);

  Blob<TypeParam> in_place;
  in_place.CopyFrom(*this->bottom_, false, true);
  const std::vector<Blob<TypeParam>*> both(1, &in_place);
  OwnPReLULayer<TypeParam> second((LayerParameter()));
  second.SetUp(both, both);
  second.Forward(both, both);
  caffe_set(24, TypeParam(1), in_place.mutable_cpu_diff());
  second.Backward(both, {true}, both);
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(this->bottom_->cpu_data()[i] > 0 ? TypeParam(1) : TypeParam(0.25),
              in_place.cpu_diff()[i]);
  }
}

}  // namespace caffe
