// Gradients against differences the way unit tests of layers outside of this project do it: float
// and double, one element of a top at a time, inputs changed where they stand.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/layer.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {
namespace {

/// What a case needs besides the layer.
struct Case {
  std::string layer;
  std::vector<std::vector<int>> bottoms;
  int tops = 1;
  /// The bottom that has a gradient (-1: all have); the others are labels below 3.
  int checked = -1;
  /// Inputs at less than 0.05 from here are not checked; and inputs get `shift` added.
  double kink = 1e9;
  double shift = 0;
  /// Inputs that lie apart, for maxima.
  bool distinct = false;
};

Case Distinct(const std::string& layer, const std::vector<std::vector<int>>& bottoms) {
  Case c{layer, bottoms};
  c.distinct = true;
  return c;
}

// The first bottom has a gradient.
Case OfFirst(const std::string& layer, const std::vector<std::vector<int>>& bottoms) {
  Case c{layer, bottoms};
  c.checked = 0;
  return c;
}

template <typename Dtype>
class DifferencesTest : public ::testing::Test {
 protected:
  void Check(const Case& c) {
    SCOPED_TRACE(c.layer);
    MakeBlobs(c);
    LayerParameter param = FromText<LayerParameter>(c.layer);
    layer_ = LayerRegistry<Dtype>::CreateLayer(param);
    Caffe::set_random_seed(1701);
    layer_->SetUp(bottom_, top_);
    if (Loss()) return CheckObjective(c, 0, 0);
    for (size_t t = 0; t < top_.size(); ++t) {
      // Some elements stand for all.
      const int stride = std::max(1, top_[t]->count() / 2);
      for (int i = 0; i < top_[t]->count(); i += stride) CheckObjective(c, t, i);
    }
  }

 private:
  void MakeBlobs(const Case& c) {
    blobs_.clear();
    bottom_.clear();
    top_.clear();
    Caffe::set_random_seed(1701);
    FillerParameter gaussian;
    for (size_t b = 0; b < c.bottoms.size(); ++b) {
      blobs_.push_back(shared_ptr<Blob<Dtype>>(new Blob<Dtype>(c.bottoms[b])));
      Blob<Dtype>* blob = blobs_.back().get();
      GaussianFiller<Dtype>(gaussian).Fill(blob);
      if (c.distinct) {
        for (int i = 0; i < blob->count(); ++i) blob->mutable_cpu_data()[i] = i * 7 % 83 * 0.1;
      }
      caffe_add_scalar(blob->count(), Dtype(c.shift), blob->mutable_cpu_data());
      if (c.checked >= 0 && b != static_cast<size_t>(c.checked)) {
        for (int i = 0; i < blob->count(); ++i) blob->mutable_cpu_data()[i] = i / 2 % 3;
      }
      bottom_.push_back(blob);
    }
    for (int t = 0; t < c.tops; ++t) {
      blobs_.push_back(shared_ptr<Blob<Dtype>>(new Blob<Dtype>()));
      top_.push_back(blobs_.back().get());
    }
  }

  bool Loss() const { return layer_->loss(0) != 0; }

  // Runs forward; the objective is the loss, or one element of a top.
  double Objective(int t, int i) {
    Caffe::set_random_seed(1701);
    const double loss = layer_->Forward(bottom_, top_);
    return Loss() ? loss : top_[t]->cpu_data()[i];
  }

  void CheckObjective(const Case& c, int t, int i) {
    std::vector<bool> down(bottom_.size(), true);
    std::vector<Blob<Dtype>*> checked;
    for (size_t k = 0; k < layer_->blobs().size(); ++k) {
      Blob<Dtype>* blob = layer_->blobs()[k].get();
      caffe_set(blob->count(), Dtype(0), blob->mutable_cpu_diff());
      checked.push_back(blob);
    }
    for (size_t b = 0; b < bottom_.size(); ++b) {
      down[b] = c.checked < 0 || b == static_cast<size_t>(c.checked);
      if (down[b]) checked.push_back(bottom_[b]);
    }
    Objective(t, i);
    for (size_t k = 0; k < top_.size() && !Loss(); ++k) {
      caffe_set(top_[k]->count(), Dtype(0), top_[k]->mutable_cpu_diff());
    }
    if (!Loss()) top_[t]->mutable_cpu_diff()[i] = 1;
    layer_->Backward(top_, down, bottom_);
    std::vector<std::vector<Dtype>> gradients;
    for (const Blob<Dtype>* blob : checked) {
      gradients.emplace_back(blob->cpu_diff(), blob->cpu_diff() + blob->count());
    }
    const double step = 1e-2;
    for (size_t k = 0; k < checked.size(); ++k) {
      for (int j = 0; j < checked[k]->count(); ++j) {
        Dtype& x = checked[k]->mutable_cpu_data()[j];
        if (std::fabs(x - c.kink) < 0.05) continue;
        const Dtype before = x;
        x = before + Dtype(step);
        const double above = Objective(t, i);
        checked[k]->mutable_cpu_data()[j] = before - Dtype(step);
        const double below = Objective(t, i);
        checked[k]->mutable_cpu_data()[j] = before;
        const double estimate = (above - below) / (2 * step), gradient = gradients[k][j];
        ASSERT_NEAR(estimate, gradient, 1e-2 * std::max({1., std::fabs(estimate)}))
            << "top " << t << " " << i << ", blob " << k << " " << j;
      }
    }
  }

  shared_ptr<Layer<Dtype>> layer_;
  std::vector<shared_ptr<Blob<Dtype>>> blobs_;
  std::vector<Blob<Dtype>*> bottom_, top_;
};
TYPED_TEST_SUITE(DifferencesTest, FloatAndDouble, );

const char kGaussian[] = "weight_filler { type: 'gaussian' } bias_filler { type: 'gaussian' } ";

TYPED_TEST(DifferencesTest, OfConvolutions) {
  for (const std::string kind : {"Convolution", "Deconvolution"}) {
    for (const std::string param :
         {"num_output: 4 kernel_size: 3 stride: 2", "num_output: 4 kernel_size: 1",
          "num_output: 6 kernel_h: 3 kernel_w: 2 pad: 1 group: 2",
          "num_output: 2 kernel_size: 2 dilation: 2 bias_term: false"}) {
      this->Check(
          {"type: '" + kind + "' convolution_param { " + kGaussian + param + " }", {{2, 4, 5, 4}}});
    }
    this->Check({"type: '" + kind + "' convolution_param { " + kGaussian +
                     "num_output: 16 kernel_size: 3 pad: 1 }",
                 {{1, 16, 4, 3}}});
    this->Check(
        {"type: '" + kind + "' convolution_param { " + kGaussian + "num_output: 2 kernel_size: 2 }",
         {{1, 2, 3, 3, 2}}});
    this->Check(
        {"type: '" + kind + "' convolution_param { " + kGaussian + "num_output: 2 kernel_size: 2 }",
         {{1, 2, 3, 4}, {1, 2, 3, 4}},
         2});
  }
  this->Check(
      {"type: 'Im2col' convolution_param { kernel_size: 2 stride: 2 pad: 1 }", {{2, 2, 4, 4}}});
}

TYPED_TEST(DifferencesTest, OfPoolingAndNormalisation) {
  for (const std::string pool : {"MAX", "AVE"}) {
    for (const std::string window : {"kernel_size: 3 stride: 2", "kernel_size: 2 stride: 2 pad: 1",
                                     "kernel_h: 3 kernel_w: 2 pad_w: 1", "global_pooling: true"}) {
      this->Check(Distinct("type: 'Pooling' pooling_param { pool: " + pool + " " + window + " }",
                           {{2, 2, 5, 4}}));
    }
  }
  for (const std::string region : {"ACROSS_CHANNELS", "WITHIN_CHANNEL"}) {
    this->Check(
        {"type: 'LRN' lrn_param { local_size: 3 alpha: 2 beta: 0.75 norm_region: " + region + " }",
         {{2, 5, 3, 3}}});
  }
  this->Check({"type: 'MVN'", {{2, 2, 3, 4}}});
  this->Check({"type: 'MVN' mvn_param { across_channels: true normalize_variance: false }",
               {{2, 2, 3, 4}}});
  this->Check({"type: 'BatchNorm' batch_norm_param { use_global_stats: false }", {{4, 2, 3, 2}}});
  this->Check(Distinct("type: 'SPP' spp_param { pyramid_height: 2 }", {{1, 2, 5, 4}}));
}

TYPED_TEST(DifferencesTest, OfFunctions) {
  for (const std::string type : {"AbsVal", "ReLU", "ELU", "PReLU"}) {
    this->Check({"type: '" + type + "'", {{2, 3, 4}}, 1, -1, 0});
  }
  for (const std::string type : {"BNLL", "Exp", "Sigmoid", "Swish", "TanH", "Softmax", "Power"}) {
    this->Check({"type: '" + type + "'", {{2, 3, 4}}});
  }
  this->Check({"type: 'Dropout' phase: TRAIN", {{2, 3, 4}}});
  this->Check({"type: 'Log' log_param { shift: 6 }", {{2, 3, 4}}});
  this->Check({"type: 'Power' power_param { power: 2.5 shift: 6 scale: 0.5 }", {{2, 3, 4}}});
}

TYPED_TEST(DifferencesTest, OfProductsAndSums) {
  this->Check(
      {std::string("type: 'InnerProduct' inner_product_param { num_output: 5 ") + kGaussian + "}",
       {{3, 2, 4}}});
  this->Check({std::string("type: 'InnerProduct' inner_product_param { transpose: true axis: 2 "
                           "num_output: 3 ") +
                   kGaussian + "}",
               {{3, 2, 4}}});
  this->Check(
      {"type: 'Scale' scale_param { bias_term: true filler { type: 'gaussian' } }", {{2, 3, 4}}});
  this->Check({"type: 'Scale' scale_param { axis: 0 }", {{2, 3, 4}, {2, 3}}});
  this->Check({"type: 'Bias' bias_param { axis: 1 num_axes: 2 }", {{2, 3, 4}}});
  this->Check({"type: 'Bias' bias_param { axis: -1 }", {{2, 3, 4}, {4}}});
  for (const std::string op : {"SUM", "PROD"}) {
    this->Check(
        {"type: 'Eltwise' eltwise_param { operation: " + op + " }", {{2, 3, 4}, {2, 3, 4}}});
  }
  for (const std::string op : {"SUM", "SUMSQ", "MEAN"}) {
    this->Check(
        {"type: 'Reduction' reduction_param { axis: 1 operation: " + op + " }", {{2, 3, 4}}});
  }
}

TYPED_TEST(DifferencesTest, OfLayersThatMoveValues) {
  this->Check({"type: 'Concat'", {{2, 3, 4}, {2, 1, 4}}});
  this->Check({"type: 'Slice'", {{2, 4, 3}}, 2});
  this->Check({"type: 'Split'", {{2, 4, 3}}, 2});
  this->Check({"type: 'Tile' tile_param { tiles: 2 }", {{2, 4, 3}}});
  this->Check({"type: 'Flatten'", {{2, 3, 2, 2}}});
  this->Check({"type: 'Reshape' reshape_param { shape { dim: 0 dim: -1 } }", {{2, 3, 2}}});
  this->Check(OfFirst("type: 'Crop' crop_param { offset: 1 }", {{2, 2, 4, 4}, {1, 1, 3, 2}}));
  this->Check(OfFirst("type: 'BatchReindex'", {{3, 2}, {5}}));
  this->Check(OfFirst("type: 'Filter'", {{5, 2}, {5}}));
}

TYPED_TEST(DifferencesTest, OfLosses) {
  this->Check(OfFirst("type: 'SoftmaxWithLoss'", {{4, 3}, {4}}));
  this->Check(OfFirst("type: 'SoftmaxWithLoss' loss_weight: 2 loss_param { ignore_label: 1 }",
                      {{2, 3, 4}, {2, 4}}));
  this->Check(OfFirst("type: 'HingeLoss' hinge_loss_param { norm: L2 }", {{4, 3}, {4}}));
  this->Check({"type: 'EuclideanLoss'", {{3, 4}, {3, 4}}});
  // The targets are 0, 1 and 2: it is a formula.
  this->Check(OfFirst("type: 'SigmoidCrossEntropyLoss'", {{3, 4}, {3, 4}}));
  this->Check({"type: 'MultinomialLogisticLoss'", {{4, 3}, {4}}, 1, 0, 1e9, 5});
}

TYPED_TEST(DifferencesTest, OfRecurrentLayers) {
  for (const std::string type : {"RNN", "LSTM"}) {
    this->Check(OfFirst("type: '" + type + "' recurrent_param { num_output: 2 " + kGaussian + "}",
                        {{3, 2, 3}, {3, 2}}));
  }
}

}  // namespace
}  // namespace caffe
