// Layers made by their class, with options that old code uses and few prototxts do.

#include <cmath>
#include <string>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/dropout_layer.hpp"
#include "caffe/layers/lstm_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/rnn_layer.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class LayerOptions : public OneToOne<Dtype> {
 protected:
  void FillBottom(const std::vector<int>& shape) { Fill(shape, this->bottom_.get()); }
  static void Fill(const std::vector<int>& shape, Blob<Dtype>* blob) {
    blob->Reshape(shape);
    FillerParameter param;
    GaussianFiller<Dtype>(param).Fill(blob);
  }
  static LayerParameter Recurrent(const std::string& extra = "") {
    return FromText<LayerParameter>(
        "phase: TEST recurrent_param { num_output: 3 weight_filler { type: 'gaussian' std: 0.3 } "
        "bias_filler { type: 'gaussian' std: 0.3 } " +
        extra + " }");
  }
  // Whether a sequence of three steps gives what three sequences of one step give, one by one.
  template <template <typename> class RecurrentKind>
  void ExpectStepsToFollow() {
    Blob<Dtype> x(std::vector<int>{3, 2, 4}), goes_on(std::vector<int>{3, 2}), whole, step;
    Fill(x.shape(), &x);
    for (int i = 0; i < 6; ++i) goes_on.mutable_cpu_data()[i] = i > 1;
    std::vector<Blob<Dtype>*> bottoms{&x, &goes_on}, tops{&whole};
    Caffe::set_random_seed(1);
    RecurrentKind<Dtype> at_once(Recurrent());
    at_once.SetUp(bottoms, tops);
    at_once.Forward(bottoms, tops);

    Blob<Dtype> x_now(std::vector<int>{1, 2, 4}), goes_on_now(std::vector<int>{1, 2});
    bottoms = {&x_now, &goes_on_now};
    tops = {&step};
    Caffe::set_random_seed(1);
    RecurrentKind<Dtype> one_by_one(Recurrent());
    one_by_one.SetUp(bottoms, tops);
    for (int t = 0; t < 3; ++t) {
      caffe_copy(8, x.cpu_data() + 8 * t, x_now.mutable_cpu_data());
      caffe_copy(2, goes_on.cpu_data() + 2 * t, goes_on_now.mutable_cpu_data());
      one_by_one.Forward(bottoms, tops);
      for (int i = 0; i < 6; ++i) {
        EXPECT_NEAR(whole.cpu_data()[6 * t + i], step.cpu_data()[i], 1e-5);
      }
    }
    // Without its state, it begins anew even where the sequence is to go on.
    const Dtype last = step.cpu_data()[0];
    one_by_one.Reset();
    one_by_one.Forward(bottoms, tops);
    EXPECT_NE(last, step.cpu_data()[0]);
  }
};
TYPED_TEST_SUITE(LayerOptions, FloatAndDouble, );

TYPED_TEST(LayerOptions, ConvolutionWithoutSpatialAxesIsAnInnerProduct) {
  this->FillBottom({2, 3, 4});
  LayerParameter param = FromText<LayerParameter>(
      "convolution_param { axis: 2 num_output: 5 weight_filler { type: 'gaussian' } bias_filler { "
      "type: 'gaussian' } }");
  ConvolutionLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  ASSERT_EQ("2 3 5 (30)", this->top_->shape_string());
  ASSERT_EQ(20, layer.blobs()[0]->count());
  for (int row = 0; row < 6; ++row) {
    for (int o = 0; o < 5; ++o) {
      const TypeParam sum = caffe_cpu_dot(4, layer.blobs()[0]->cpu_data() + 4 * o,
                                          this->bottom_->cpu_data() + 4 * row);
      EXPECT_NEAR(sum + layer.blobs()[1]->cpu_data()[o], this->top_->cpu_data()[5 * row + o], 1e-5);
    }
  }
}

TYPED_TEST(LayerOptions, DropoutMultipliesByTheInverseOfWhatIsKept) {
  this->FillBottom({4, 50, 5, 2});
  for (const float ratio : {0.5f, 0.75f}) {
    LayerParameter param;
    param.set_phase(TRAIN);
    param.mutable_dropout_param()->set_dropout_ratio(ratio);
    DropoutLayer<TypeParam> layer(param);
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    layer.Forward(this->bottom_vec_, this->top_vec_);
    const TypeParam scale = 1. / (1. - param.dropout_param().dropout_ratio());
    int kept = 0;
    for (int i = 0; i < this->top_->count(); ++i) {
      const TypeParam y = this->top_->cpu_data()[i];
      if (y == 0) continue;
      EXPECT_EQ(this->bottom_->cpu_data()[i] * scale, y);
      ++kept;
    }
    EXPECT_NEAR(1 - ratio, kept / 2000., 4 * std::sqrt(ratio * (1 - ratio) / 2000));
  }
}

TYPED_TEST(LayerOptions, RecurrentLayersRunInPiecesOfAnyLength) {
  this->template ExpectStepsToFollow<LSTMLayer>();
  this->template ExpectStepsToFollow<RNNLayer>();
}

TYPED_TEST(LayerOptions, RecurrentLayersShowTheirStateAndTakeAStaticInput) {
  Blob<TypeParam> x, goes_on(std::vector<int>{3, 2}), h, c, fixed, h_end, c_end;
  this->Fill({3, 2, 4}, &x);
  this->Fill({1, 2, 3}, &h);
  this->Fill({1, 2, 3}, &c);
  this->Fill({2, 6}, &fixed);
  caffe_set(6, TypeParam(1), goes_on.mutable_cpu_data());
  std::vector<Blob<TypeParam>*> bottoms{&x, &goes_on, &h, &c};
  std::vector<Blob<TypeParam>*> tops{this->top_.get(), &h_end, &c_end};
  LSTMLayer<TypeParam> shown(this->Recurrent("expose_hidden: true"));
  shown.SetUp(bottoms, tops);
  shown.Forward(bottoms, tops);
  EXPECT_EQ(h.shape(), h_end.shape());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(this->top_->cpu_data()[12 + i], h_end.cpu_data()[i]);
  const TypeParam before = h_end.cpu_data()[0];
  caffe_set(6, TypeParam(0), c.mutable_cpu_data());
  shown.Forward(bottoms, tops);
  EXPECT_NE(before, h_end.cpu_data()[0]);

  bottoms = {&x, &goes_on, &fixed};
  tops.resize(1);
  RNNLayer<TypeParam> with_static(this->Recurrent());
  with_static.SetUp(bottoms, tops);
  with_static.Forward(bottoms, tops);
  ASSERT_EQ(6u, with_static.blobs().size());
  EXPECT_EQ("3 6 (18)", with_static.blobs()[2]->shape_string());
}

TYPED_TEST(LayerOptions, PoolingCountsPaddingAndTakesWholePlanes) {
  this->FillBottom({2, 3, 6, 5});
  PoolingLayer<TypeParam> padded(
      FromText<LayerParameter>("pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"));
  padded.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("2 3 4 3 (72)", this->top_->shape_string());
  caffe_set(180, TypeParam(9), this->bottom_->mutable_cpu_data());
  padded.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_NEAR(4, this->top_->cpu_data()[0], 1e-5);
  EXPECT_NEAR(9, this->top_->data_at(0, 0, 1, 1), 1e-5);
  PoolingLayer<TypeParam> whole(
      FromText<LayerParameter>("pooling_param { pool: AVE global_pooling: true }"));
  whole.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("2 3 1 1 (6)", this->top_->shape_string());
}

// Rounding up gives small images a window, too: (2 - 3) / 2 is -0.5, which makes 0 + 1.
TYPED_TEST(LayerOptions, PoolingWindowsMayReachBeyondASmallImage) {
  this->Put({1, 2, 2, 2}, {1, 2, 3, 4, 8, 7, 6, 5}, this->bottom_.get());
  const char* const window = " kernel_size: 3 stride: 2 }";
  for (const bool max : {true, false}) {
    PoolingLayer<TypeParam> layer(FromText<LayerParameter>(
        "pooling_param { pool: " + std::string(max ? "MAX" : "AVE") + window));
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ("1 2 1 1 (2)", this->top_->shape_string());
    this->ExpectValues(max ? std::vector<TypeParam>{4, 8} : std::vector<TypeParam>{2.5, 6.5},
                       this->top_->cpu_data());
    caffe_set(2, TypeParam(4), this->top_->mutable_cpu_diff());
    layer.Backward(this->top_vec_, {true}, this->bottom_vec_);
    this->ExpectValues(
        max ? std::vector<TypeParam>{0, 0, 0, 4, 4, 0, 0, 0} : std::vector<TypeParam>(8, 1),
        this->bottom_->cpu_diff());
  }
  PoolingLayer<TypeParam> beside(
      FromText<LayerParameter>("pooling_param { kernel_size: 4 stride: 2 }"));
  EXPECT_THROW(beside.SetUp(this->bottom_vec_, this->top_vec_), Error);
}

}  // namespace caffe
