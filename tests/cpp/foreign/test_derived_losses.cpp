// Losses of somebody else, derived from Caffe's own.

#include <algorithm>
#include <cmath>
#include <vector>

#include "caffe/layers/euclidean_loss_layer.hpp"
#include "caffe/layers/infogain_loss_layer.hpp"
#include "caffe/layers/sigmoid_cross_entropy_loss_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class DerivedLosses : public OneToOne<Dtype> {};
TYPED_TEST_SUITE(DerivedLosses, FloatAndDouble, );

// Divides by all positions, whatever the prototxt says, and shows what it knows.
template <typename Dtype, template <typename> class Kind>
class OverAllPositions : public Kind<Dtype> {
 public:
  explicit OverAllPositions(const LayerParameter& param) : Kind<Dtype>(param) {}
  Dtype ByMode(LossParameter_NormalizationMode mode, int valid) {
    return Kind<Dtype>::get_normalizer(mode, valid);
  }
  void ExpectIgnored(int label) {
    EXPECT_TRUE(this->has_ignore_label_);
    EXPECT_EQ(label, this->ignore_label_);
    EXPECT_EQ(LossParameter_NormalizationMode_BATCH_SIZE, this->normalization_);
  }
  int positions() { return this->outer_num_ * this->inner_num_; }

 protected:
  virtual Dtype get_normalizer(LossParameter_NormalizationMode, int valid_count) {
    EXPECT_LE(valid_count, positions());
    return Kind<Dtype>::get_normalizer(LossParameter_NormalizationMode_FULL, valid_count);
  }
};

template <template <typename> class Kind, typename Dtype>
void ExpectOwnNormalizer(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top,
                         int positions) {
  LayerParameter param;
  *param.mutable_loss_param() =
      FromText<LossParameter>("ignore_label: 1 normalization: BATCH_SIZE");
  Kind<Dtype> own(param);
  own.SetUp(bottom, top);
  const Dtype loss = own.Forward(bottom, top);
  OverAllPositions<Dtype, Kind> derived(param);
  derived.SetUp(bottom, top);
  EXPECT_EQ(positions, derived.positions());
  derived.ExpectIgnored(1);
  const int items = bottom[0]->shape(0);
  EXPECT_NEAR(loss * items / positions, derived.Forward(bottom, top), 1e-5);
  EXPECT_EQ(items, derived.ByMode(LossParameter_NormalizationMode_BATCH_SIZE, 2));
  EXPECT_EQ(positions, derived.ByMode(LossParameter_NormalizationMode_FULL, 2));
  EXPECT_EQ(2, derived.ByMode(LossParameter_NormalizationMode_VALID, 2));
  EXPECT_EQ(positions, derived.ByMode(LossParameter_NormalizationMode_VALID, -1));
  EXPECT_EQ(1, derived.ByMode(LossParameter_NormalizationMode_VALID, 0));
  EXPECT_EQ(1, derived.ByMode(LossParameter_NormalizationMode_NONE, 2));
}

TYPED_TEST(DerivedLosses, LossesMayHaveANormalizerOfTheirOwn) {
  this->FillBottom({2, 3, 4});
  Blob<TypeParam> labels(std::vector<int>{2, 4}), gains(std::vector<int>{3, 3});
  for (int i = 0; i < 8; ++i) labels.mutable_cpu_data()[i] = i % 3;
  for (int i = 0; i < 9; ++i) gains.mutable_cpu_data()[i] = i;
  this->bottom_vec_.push_back(&labels);
  ExpectOwnNormalizer<SoftmaxWithLossLayer>(this->bottom_vec_, this->top_vec_, 8);
  this->bottom_vec_.push_back(&gains);
  ExpectOwnNormalizer<InfogainLossLayer>(this->bottom_vec_, this->top_vec_, 8);
  this->bottom_vec_.resize(1);
  Blob<TypeParam> targets(std::vector<int>{2, 3, 4});
  for (int i = 0; i < 24; ++i) targets.mutable_cpu_data()[i] = i % 2;
  this->bottom_vec_.push_back(&targets);
  ExpectOwnNormalizer<SigmoidCrossEntropyLossLayer>(this->bottom_vec_, this->top_vec_, 24);
}

// Weighs every position by a power of 1 - p (a focal loss), with the members of the softmax loss.
template <typename Dtype>
class FocalLossLayer : public SoftmaxWithLossLayer<Dtype> {
 public:
  explicit FocalLossLayer(const LayerParameter& param, int power = 1)
      : SoftmaxWithLossLayer<Dtype>(param), power_(power) {}
  virtual inline const char* type() const { return "FocalLoss"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
    const Dtype* prob = this->prob_.cpu_data();
    const Dtype* label = bottom[1]->cpu_data();
    const int dim = this->prob_.count() / this->outer_num_;
    Dtype loss = 0;
    int count = 0;
    for (int i = 0; i < this->outer_num_; ++i) {
      for (int j = 0; j < this->inner_num_; ++j) {
        const int value = static_cast<int>(label[i * this->inner_num_ + j]);
        if (this->has_ignore_label_ && value == this->ignore_label_) continue;
        DCHECK_LT(value, this->prob_.shape(this->softmax_axis_));
        const Dtype p = prob[i * dim + value * this->inner_num_ + j];
        loss -= std::pow(1 - p, power_) * std::log(std::max(p, Dtype(kLOG_THRESHOLD)));
        ++count;
      }
    }
    top[0]->mutable_cpu_data()[0] = loss / this->get_normalizer(this->normalization_, count);
    if (top.size() == 2) top[1]->ShareData(this->prob_);
  }

 private:
  int power_;
};

TYPED_TEST(DerivedLosses, LossesMayUseTheProbabilitiesOfSoftmax) {
  const TypeParam log3 = std::log(TypeParam(3));
  this->Put({3, 2}, {0, 0, log3, 0, 5, 5}, this->bottom_.get());
  Blob<TypeParam> labels(std::vector<int>(1, 3)), prob;
  const TypeParam values[] = {1, 0, 7};
  caffe_copy(3, values, labels.mutable_cpu_data());
  this->bottom_vec_.push_back(&labels);
  this->top_vec_.push_back(&prob);
  LayerParameter param;
  param.mutable_loss_param()->set_ignore_label(7);
  FocalLossLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  const double expected = (0.5 * std::log(2.) + 0.25 * std::log(4. / 3)) / 2;
  EXPECT_NEAR(expected, layer.Forward(this->bottom_vec_, this->top_vec_), 1e-5);
  EXPECT_NEAR(0.75, prob.cpu_data()[2], 1e-5);

  // The base's Backward is that of power 0.
  this->top_vec_.resize(1);
  FocalLossLayer<TypeParam> plain(param, 0);
  GradientChecker<TypeParam>(1e-2, 1e-2)
      .CheckGradientExhaustive(&plain, this->bottom_vec_, this->top_vec_, 0);
}

template <typename Dtype>
class ShownInfogainLayer : public InfogainLossLayer<Dtype> {
 public:
  explicit ShownInfogainLayer(const LayerParameter& param) : InfogainLossLayer<Dtype>(param) {}
  void ExpectSums(const Blob<Dtype>& gains) {
    EXPECT_EQ(3, this->num_labels_);
    EXPECT_EQ(1, this->infogain_axis_);
    this->sum_rows_of_H(&gains);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(9 * i + 3, this->sum_rows_H_.cpu_data()[i]);
  }
};

TYPED_TEST(DerivedLosses, InfogainLossSumsTheRowsOfItsMatrix) {
  this->FillBottom({2, 3});
  Blob<TypeParam> labels(std::vector<int>(1, 2)), gains(std::vector<int>{3, 3});
  caffe_set(2, TypeParam(1), labels.mutable_cpu_data());
  for (int i = 0; i < 9; ++i) gains.mutable_cpu_data()[i] = i;
  this->bottom_vec_.push_back(&labels);
  this->bottom_vec_.push_back(&gains);
  LayerParameter param;
  ShownInfogainLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.ExpectSums(gains);
}

// Half the Euclidean loss, by the difference that its base keeps.
template <typename Dtype>
class HalfEuclideanLayer : public EuclideanLossLayer<Dtype> {
 public:
  explicit HalfEuclideanLayer(const LayerParameter& param) : EuclideanLossLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    EuclideanLossLayer<Dtype>::Forward_cpu(bottom, top);
    const Dtype dot =
        caffe_cpu_dot(this->diff_.count(), this->diff_.cpu_data(), this->diff_.cpu_data());
    EXPECT_NEAR(dot / bottom[0]->num() / Dtype(2), top[0]->cpu_data()[0], 1e-4);
    top[0]->mutable_cpu_data()[0] /= 2;
  }
};

TYPED_TEST(DerivedLosses, EuclideanLossKeepsItsDifference) {
  this->Put({2, 2}, {1, 2, 3, 4}, this->bottom_.get());
  Blob<TypeParam> target(std::vector<int>{2, 2});
  caffe_set(4, TypeParam(0), target.mutable_cpu_data());
  this->bottom_vec_.push_back(&target);
  HalfEuclideanLayer<TypeParam> layer((LayerParameter()));
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_NEAR(30. / 8, layer.Forward(this->bottom_vec_, this->top_vec_), 1e-5);
}

}  // namespace caffe
