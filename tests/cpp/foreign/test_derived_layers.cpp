// Layers of somebody else, derived from Caffe's own: what they use of the protected members.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/deconv_layer.hpp"
#include "caffe/layers/inner_product_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/spp_layer.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class DerivedLayers : public OneToOne<Dtype> {
 protected:
  // Runs a layer both ways on the bottom, with the top as its own diff, and returns top, bottom
  // diff and parameter diffs in a row.
  std::vector<Dtype> Run(Layer<Dtype>* layer) {
    Caffe::set_random_seed(5);
    layer->SetUp(this->bottom_vec_, this->top_vec_);
    layer->Forward(this->bottom_vec_, this->top_vec_);
    caffe_copy(this->top_->count(), this->top_->cpu_data(), this->top_->mutable_cpu_diff());
    for (size_t i = 0; i < layer->blobs().size(); ++i) {
      Blob<Dtype>& blob = *layer->blobs()[i];
      caffe_set(blob.count(), Dtype(0), blob.mutable_cpu_diff());
    }
    layer->Backward(this->top_vec_, std::vector<bool>(1, true), this->bottom_vec_);
    std::vector<Dtype> all(this->top_->cpu_data(), this->top_->cpu_data() + this->top_->count());
    const Blob<Dtype>& bottom = *this->bottom_;
    all.insert(all.end(), bottom.cpu_diff(), bottom.cpu_diff() + bottom.count());
    for (size_t i = 0; i < layer->blobs().size(); ++i) {
      const Blob<Dtype>& blob = *layer->blobs()[i];
      all.insert(all.end(), blob.cpu_diff(), blob.cpu_diff() + blob.count());
    }
    return all;
  }
  static void ExpectSame(const std::vector<Dtype>& expected, const std::vector<Dtype>& values) {
    ASSERT_EQ(expected.size(), values.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(expected[i], values[i], 1e-4 * std::max(Dtype(1), std::fabs(expected[i]))) << i;
    }
  }
};
TYPED_TEST_SUITE(DerivedLayers, FloatAndDouble, );

template <typename Dtype>
class ProductsConvolutionLayer : public ConvolutionLayer<Dtype> {
 public:
  explicit ProductsConvolutionLayer(const LayerParameter& param) : ConvolutionLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    const Dtype* weight = this->blobs_[0]->cpu_data();
    for (size_t i = 0; i < bottom.size(); ++i) {
      for (int n = 0; n < this->num_; ++n) {
        Dtype* out = top[i]->mutable_cpu_data() + n * this->top_dim_;
        this->forward_cpu_gemm(bottom[i]->cpu_data() + n * this->bottom_dim_, weight, out);
        if (this->bias_term_) this->forward_cpu_bias(out, this->blobs_[1]->cpu_data());
      }
    }
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    const Dtype* weight = this->blobs_[0]->cpu_data();
    Dtype* weight_diff = this->blobs_[0]->mutable_cpu_diff();
    for (size_t i = 0; i < top.size(); ++i) {
      const Dtype* top_diff = top[i]->cpu_diff();
      const Dtype* bottom_data = bottom[i]->cpu_data();
      Dtype* bottom_diff = bottom[i]->mutable_cpu_diff();
      for (int n = 0; n < this->num_; ++n) {
        const Dtype* diff = top_diff + n * this->top_dim_;
        if (this->bias_term_) this->backward_cpu_bias(this->blobs_[1]->mutable_cpu_diff(), diff);
        this->weight_cpu_gemm(bottom_data + n * this->bottom_dim_, diff, weight_diff);
        this->backward_cpu_gemm(diff, weight, bottom_diff + n * this->bottom_dim_);
      }
    }
  }
};

TYPED_TEST(DerivedLayers, ConvolutionsMayRunOnTheProductsOfTheirBase) {
  this->FillBottom({2, 4, 7, 6});
  for (const char* text :
       {"num_output: 6 kernel_size: 3 pad: 1 group: 2", "num_output: 6 kernel_size: 1",
        "num_output: 3 kernel_h: 3 kernel_w: 2 stride: 2 bias_term: false",
        "num_output: 2 kernel_size: 2 dilation: 2"}) {
    LayerParameter param;
    *param.mutable_convolution_param() = FromText<ConvolutionParameter>(
        text + std::string(" weight_filler { type: 'gaussian' } bias_filler { value: 0.5 }"));
    ConvolutionLayer<TypeParam> own(param);
    ProductsConvolutionLayer<TypeParam> derived(param);
    const std::vector<TypeParam> expected = this->Run(&own);
    this->ExpectSame(expected, this->Run(&derived));
  }
}

// A convolution that leaves a margin off its top, with kernels that are not learned.
template <typename Dtype>
class ValidBoxLayer : public BaseConvolutionLayer<Dtype> {
 public:
  explicit ValidBoxLayer(const LayerParameter& param) : BaseConvolutionLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "ValidBox"; }
  virtual void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    BaseConvolutionLayer<Dtype>::LayerSetUp(bottom, top);
    caffe_set(this->blobs_[0]->count(), Dtype(1), this->blobs_[0]->mutable_cpu_data());
  }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    for (int n = 0; n < this->num_; ++n) {
      this->forward_cpu_gemm(bottom[0]->cpu_data() + n * this->bottom_dim_,
                             this->blobs_[0]->cpu_data(),
                             top[0]->mutable_cpu_data() + n * this->top_dim_);
    }
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>&, const vector<bool>&,
                            const vector<Blob<Dtype>*>&) {
    NOT_IMPLEMENTED;
  }
  virtual inline bool reverse_dimensions() { return false; }
  virtual void compute_output_shape() {
    this->output_shape_.clear();
    for (int i = 0; i < this->num_spatial_axes_; ++i) {
      const int kernel = this->kernel_shape_.cpu_data()[i];
      EXPECT_EQ(1, this->stride_.cpu_data()[i]);
      EXPECT_EQ(1, this->dilation_.cpu_data()[i]);
      EXPECT_EQ(0, this->pad_.cpu_data()[i]);
      this->output_shape_.push_back(this->input_shape(i + 1) - kernel + 1);
    }
  }
};

TYPED_TEST(DerivedLayers, ConvolutionsMayBeMadeFromTheBase) {
  this->Put({1, 1, 3, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, this->bottom_.get());
  LayerParameter param;
  *param.mutable_convolution_param() =
      FromText<ConvolutionParameter>("num_output: 1 kernel_size: 2 bias_term: false");
  ValidBoxLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("1 1 2 3 (6)", this->top_->shape_string());
  this->ExpectValues({14, 18, 22, 30, 34, 38}, this->top_->cpu_data());
}

// Shows the sizes that a layer derived from Convolution (or Deconvolution) computes with.
template <typename Dtype, template <typename> class Kind>
class ShownSizes : public Kind<Dtype> {
 public:
  explicit ShownSizes(const LayerParameter& param) : Kind<Dtype>(param) {}
  void Expect(int features, int positions, int inputs, int kernel_dim) {
    EXPECT_EQ(features, this->conv_out_channels_);
    EXPECT_EQ(positions, this->conv_out_spatial_dim_);
    EXPECT_EQ(inputs, this->conv_in_channels_);
    EXPECT_EQ(kernel_dim, this->kernel_dim_);
    EXPECT_EQ(kernel_dim * positions, this->col_offset_);
    EXPECT_EQ(features / this->group_ * positions, this->output_offset_);
    EXPECT_EQ(features / this->group_ * kernel_dim, this->weight_offset_);
    EXPECT_EQ(this->num_output_ * this->out_spatial_dim_, this->top_dim_);
    EXPECT_EQ(inputs, this->conv_input_shape_.cpu_data()[0]);
    EXPECT_EQ(kernel_dim * this->group_, this->col_buffer_shape_[0]);
    EXPECT_EQ(2, this->num_spatial_axes_);
    EXPECT_EQ(1, this->channel_axis_);
  }
};

TYPED_TEST(DerivedLayers, ConvolutionsKnowTheirSizes) {
  this->FillBottom({3, 4, 6, 5});
  LayerParameter param;
  *param.mutable_convolution_param() =
      FromText<ConvolutionParameter>("num_output: 8 kernel_size: 3 group: 2");
  ShownSizes<TypeParam, ConvolutionLayer> forth(param);
  forth.SetUp(this->bottom_vec_, this->top_vec_);
  forth.Expect(8, 4 * 3, 4, 2 * 9);
  ShownSizes<TypeParam, DeconvolutionLayer> back(param);
  back.SetUp(this->bottom_vec_, this->top_vec_);
  back.Expect(4, 6 * 5, 8, 4 * 9);
}

template <typename Dtype>
class ProductsInnerProductLayer : public InnerProductLayer<Dtype> {
 public:
  explicit ProductsInnerProductLayer(const LayerParameter& param)
      : InnerProductLayer<Dtype>(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Dtype* out = top[0]->mutable_cpu_data();
    caffe_cpu_gemm<Dtype>(CblasNoTrans, this->transpose_ ? CblasNoTrans : CblasTrans, this->M_,
                          this->N_, this->K_, (Dtype)1., bottom[0]->cpu_data(),
                          this->blobs_[0]->cpu_data(), (Dtype)0., out);
    if (!this->bias_term_) return;
    caffe_cpu_gemm<Dtype>(CblasNoTrans, CblasNoTrans, this->M_, this->N_, 1, (Dtype)1.,
                          this->bias_multiplier_.cpu_data(), this->blobs_[1]->cpu_data(), (Dtype)1.,
                          out);
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    this->param_propagate_down_[1] = false;
    InnerProductLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    caffe_cpu_gemv<Dtype>(CblasTrans, this->M_, this->N_, (Dtype)1., top[0]->cpu_diff(),
                          this->bias_multiplier_.cpu_data(), (Dtype)1.,
                          this->blobs_[1]->mutable_cpu_diff());
  }
};

TYPED_TEST(DerivedLayers, InnerProductsMayUseTheMultiplierOfTheBias) {
  for (const int items : {4, 7}) {
    this->FillBottom({items, 3, 2});
    LayerParameter param;
    *param.mutable_inner_product_param() = FromText<InnerProductParameter>(
        "num_output: 5 weight_filler { type: 'gaussian' } bias_filler { value: -0.5 }");
    InnerProductLayer<TypeParam> own(param);
    ProductsInnerProductLayer<TypeParam> derived(param);
    const std::vector<TypeParam> expected = this->Run(&own);
    this->ExpectSame(expected, this->Run(&derived));
  }
}

// The spread of each window: maximum less minimum.
template <typename Dtype>
class SpreadPoolingLayer : public PoolingLayer<Dtype> {
 public:
  explicit SpreadPoolingLayer(const LayerParameter& param) : PoolingLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "SpreadPooling"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    for (int n = 0; n < bottom[0]->num(); ++n) {
      for (int c = 0; c < this->channels_; ++c) {
        for (int ph = 0; ph < this->pooled_height_; ++ph) {
          for (int pw = 0; pw < this->pooled_width_; ++pw) {
            const int hstart = std::max(ph * this->stride_h_ - this->pad_h_, 0);
            const int wstart = std::max(pw * this->stride_w_ - this->pad_w_, 0);
            const int hend =
                std::min(ph * this->stride_h_ - this->pad_h_ + this->kernel_h_, this->height_);
            const int wend =
                std::min(pw * this->stride_w_ - this->pad_w_ + this->kernel_w_, this->width_);
            Dtype low = bottom[0]->data_at(n, c, hstart, wstart), high = low;
            for (int h = hstart; h < hend; ++h) {
              for (int w = wstart; w < wend; ++w) {
                low = std::min(low, bottom[0]->data_at(n, c, h, w));
                high = std::max(high, bottom[0]->data_at(n, c, h, w));
              }
            }
            top[0]->mutable_cpu_data()[top[0]->offset(n, c, ph, pw)] = high - low;
          }
        }
      }
    }
  }
};

TYPED_TEST(DerivedLayers, PoolingTellsItsWindows) {
  this->Put({1, 1, 3, 3}, {1, 2, 4, 8, 16, 32, 64, 128, 256}, this->bottom_.get());
  LayerParameter param;
  *param.mutable_pooling_param() =
      FromText<PoolingParameter>("kernel_size: 2 stride: 2 pad_w: 1 pad_h: 0");
  SpreadPoolingLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("1 1 2 2 (4)", this->top_->shape_string());
  this->ExpectValues({7, 30, 0, 128}, this->top_->cpu_data());
}

// Averages over the bins of a pyramid that begins with 2 x 2.
template <typename Dtype>
class AveragePyramidLayer : public SPPLayer<Dtype> {
 public:
  explicit AveragePyramidLayer(const LayerParameter& param) : SPPLayer<Dtype>(param) {}

 protected:
  virtual LayerParameter GetPoolingParam(const int pyramid_level, const int bottom_h,
                                         const int bottom_w, const SPPParameter spp_param) {
    SPPParameter average(spp_param);
    average.set_pool(SPPParameter_PoolMethod_AVE);
    return SPPLayer<Dtype>::GetPoolingParam(pyramid_level, bottom_h, bottom_w, average);
  }
};

TYPED_TEST(DerivedLayers, PyramidsMayChooseTheirPooling) {
  this->Put({1, 1, 2, 2}, {1, 2, 3, 6}, this->bottom_.get());
  LayerParameter param;
  param.mutable_spp_param()->set_pyramid_height(2);
  AveragePyramidLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("1 5 (5)", this->top_->shape_string());
  this->ExpectValues({3, 1, 2, 3, 6}, this->top_->cpu_data());
}

}  // namespace caffe
