// Unit tests as they are written for Caffe 1.0, with the headers that they include for it.

#include <type_traits>
#include <vector>

#include <gtest/gtest-spi.h>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/filler.hpp"
#include "caffe/layers/embed_layer.hpp"
#include "caffe/layers/euclidean_loss_layer.hpp"
#include "caffe/layers/inner_product_layer.hpp"
#include "caffe/layers/neuron_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/split_layer.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename TypeParam>
class CheckedLayerTest : public MultiDeviceTest<TypeParam> {
  typedef typename TypeParam::Dtype Dtype;

 protected:
  CheckedLayerTest()
      : blob_bottom_(new Blob<Dtype>(2, 3, 1, 2)),
        blob_bottom_2_(new Blob<Dtype>(2, 3, 1, 2)),
        blob_top_(new Blob<Dtype>()) {
    Caffe::set_random_seed(1701);
    FillerParameter filler_param;
    GaussianFiller<Dtype> filler(filler_param);
    filler.Fill(blob_bottom_);
    filler.Fill(blob_bottom_2_);
    blob_bottom_vec_.push_back(blob_bottom_);
    blob_top_vec_.push_back(blob_top_);
  }
  virtual ~CheckedLayerTest() {
    delete blob_bottom_;
    delete blob_bottom_2_;
    delete blob_top_;
  }
  // How many differences a check finds.
  template <typename Check>
  static int Failures(const Check& check) {
    ::testing::TestPartResultArray results;
    {
      ::testing::ScopedFakeTestPartResultReporter reporter(
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
      check();
    }
    return results.size();
  }

  Blob<Dtype>* const blob_bottom_;
  Blob<Dtype>* const blob_bottom_2_;
  Blob<Dtype>* const blob_top_;
  vector<Blob<Dtype>*> blob_bottom_vec_;
  vector<Blob<Dtype>*> blob_top_vec_;
};

TYPED_TEST_SUITE(CheckedLayerTest, TestDtypesAndDevices, );

TYPED_TEST(CheckedLayerTest, TestTypes) {
  typedef typename TypeParam::Dtype Dtype;
  EXPECT_EQ(TypeParam::device, Caffe::mode());
  EXPECT_TRUE((std::is_same<Dtype, float>::value || std::is_same<Dtype, double>::value));
}

TYPED_TEST(CheckedLayerTest, TestGradientEltwise) {
  typedef typename TypeParam::Dtype Dtype;
  LayerParameter layer_param;
  layer_param.mutable_relu_param()->set_negative_slope(0.25);
  this->blob_bottom_->mutable_cpu_data()[3] = 0;
  ReLULayer<Dtype> layer(layer_param);
  GradientChecker<Dtype> checker(1e-2, 1e-3, 1701, 0., 0.01);
  checker.CheckGradientEltwise(&layer, this->blob_bottom_vec_, this->blob_top_vec_);
  // The difference across the kink is no gradient.
  GradientChecker<Dtype> everywhere(1e-2, 1e-3);
  EXPECT_EQ(1, this->Failures([&] {
    everywhere.CheckGradientEltwise(&layer, this->blob_bottom_vec_, this->blob_top_vec_);
  }));
}

TYPED_TEST(CheckedLayerTest, TestGradientEltwiseOfSeveralTops) {
  typedef typename TypeParam::Dtype Dtype;
  Blob<Dtype> second;
  this->blob_top_vec_.push_back(&second);
  SplitLayer<Dtype> layer((LayerParameter()));
  GradientChecker<Dtype> checker(1e-2, 1e-2);
  checker.CheckGradientEltwise(&layer, this->blob_bottom_vec_, this->blob_top_vec_);
}

TYPED_TEST(CheckedLayerTest, TestGradientOfParametersAndBottoms) {
  typedef typename TypeParam::Dtype Dtype;
  LayerParameter layer_param;
  layer_param.mutable_inner_product_param()->set_num_output(4);
  layer_param.mutable_inner_product_param()->mutable_weight_filler()->set_type("gaussian");
  InnerProductLayer<Dtype> layer(layer_param);
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  checker.CheckGradientExhaustive(&layer, this->blob_bottom_vec_, this->blob_top_vec_);
  InnerProductLayer<Dtype> again(layer_param);
  checker.CheckGradient(&again, this->blob_bottom_vec_, this->blob_top_vec_);
}

TYPED_TEST(CheckedLayerTest, TestGradientOfASumOfManySquares) {
  typedef typename TypeParam::Dtype Dtype;
  // Half the sum of squares is near 2^17: a float of that size moves in steps of 1 / 64.
  vector<int> shape(1, 4096);
  this->blob_bottom_->Reshape(shape);
  caffe_set(4096, Dtype(8), this->blob_bottom_->mutable_cpu_data());
  SplitLayer<Dtype> layer((LayerParameter()));
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  checker.CheckGradient(&layer, this->blob_bottom_vec_, this->blob_top_vec_);
}

TYPED_TEST(CheckedLayerTest, TestGradientOfParametersOnly) {
  typedef typename TypeParam::Dtype Dtype;
  LayerParameter layer_param;
  EmbedParameter* embed_param = layer_param.mutable_embed_param();
  embed_param->set_num_output(3);
  embed_param->set_input_dim(4);
  embed_param->mutable_weight_filler()->set_type("uniform");
  for (int i = 0; i < this->blob_bottom_->count(); ++i) {
    this->blob_bottom_->mutable_cpu_data()[i] = i % 4;
  }
  EmbedLayer<Dtype> layer(layer_param);
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  checker.CheckGradientExhaustive(&layer, this->blob_bottom_vec_, this->blob_top_vec_, -2);
}

TYPED_TEST(CheckedLayerTest, TestGradientOfOneBottomOfALoss) {
  typedef typename TypeParam::Dtype Dtype;
  LayerParameter layer_param;
  layer_param.add_loss_weight(3.5);
  this->blob_bottom_vec_.push_back(this->blob_bottom_2_);
  EuclideanLossLayer<Dtype> layer(layer_param);
  GradientChecker<Dtype> checker(1e-2, 1e-2);
  for (int bottom = 0; bottom < 2; ++bottom) {
    checker.CheckGradientExhaustive(&layer, this->blob_bottom_vec_, this->blob_top_vec_, bottom);
  }
}

TYPED_TEST(CheckedLayerTest, TestGradientOfANet) {
  typedef typename TypeParam::Dtype Dtype;
  const Net<Dtype> net(FromText<NetParameter>(
      "force_backward: true layer { name: 'x' type: 'Parameter' top: 'x' parameter_param { shape { "
      "dim: 2 dim: 3 } } } layer { name: 'a' type: 'TanH' bottom: 'x' top: 'a' } layer { name: 'b' "
      "type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 2 } }"));
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  checker.CheckGradientNet(net, net.input_blobs());
}

// y = x^2, with a gradient that lacks what the test says.
template <typename Dtype>
class WrongSquareLayer : public NeuronLayer<Dtype> {
 public:
  WrongSquareLayer(const LayerParameter& param, bool forgets_diff)
      : NeuronLayer<Dtype>(param), forgets_diff_(forgets_diff) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    caffe_sqr(bottom[0]->count(), bottom[0]->cpu_data(), top[0]->mutable_cpu_data());
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>&,
                            const vector<Blob<Dtype>*>& bottom) {
    for (int i = 0; i < top[0]->count(); ++i) {
      const Dtype dy = top[0]->cpu_diff()[i];
      const Dtype x = bottom[0]->cpu_data()[i];
      bottom[0]->mutable_cpu_diff()[i] = forgets_diff_ ? (dy != 0) * 2 * x : dy * x;
    }
  }

 private:
  bool forgets_diff_;
};

TYPED_TEST(CheckedLayerTest, TestWrongGradientsAreFound) {
  typedef typename TypeParam::Dtype Dtype;
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  for (int i = 0; i < this->blob_bottom_->count(); ++i) {
    this->blob_bottom_->mutable_cpu_data()[i] = i + 1;
  }
  for (const bool forgets_diff : {false, true}) {
    WrongSquareLayer<Dtype> layer(LayerParameter(), forgets_diff);
    // Every element's own derivative, and no other.
    EXPECT_EQ(this->blob_bottom_->count(), this->Failures([&] {
      checker.CheckGradientExhaustive(&layer, this->blob_bottom_vec_, this->blob_top_vec_);
    }));
  }
}

}  // namespace caffe
