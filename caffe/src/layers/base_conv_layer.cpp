#include "caffe/layers/base_conv_layer.hpp"

#include "caffe/layers/conv_layer.hpp"
#include "caffe/util/im2col.hpp"
#include "core/per_channel.hpp"
#include "cudnn/convolution.hpp"
#include "dnn/convolution.hpp"
#include "dnn/precision.hpp"
#include "layers/convolution_products.hpp"
#include "layers/exact_class.hpp"
#include "layers/learned_blobs.hpp"
#include "layers/window_params.hpp"
#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
BaseConvolutionLayer<Dtype>::~BaseConvolutionLayer() = default;

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                             const vector<Blob<Dtype>*>& top) {
  const ConvolutionParameter& param = this->layer_param_.convolution_param();
  force_nd_im2col_ = param.force_nd_im2col();
  channel_axis_ = bottom[0]->CanonicalAxisIndex(param.axis());
  num_spatial_axes_ = bottom[0]->num_axes() - channel_axis_ - 1;
  ReadWindowParams(param, num_spatial_axes_, &kernel_shape_, &stride_, &pad_, &dilation_);
  is_1x1_ = true;
  for (int i = 0; i < num_spatial_axes_; ++i) {
    is_1x1_ &=
        kernel_shape_.cpu_data()[i] == 1 && stride_.cpu_data()[i] == 1 && pad_.cpu_data()[i] == 0;
  }

  channels_ = bottom[0]->shape(channel_axis_);
  CHECK(param.num_output() > 0 && param.num_output() < (1u << 30))
      << "num_output is " << param.num_output() << ": give the number of output channels";
  num_output_ = static_cast<int>(param.num_output());
  CHECK(param.group() > 0 && param.group() <= param.num_output())
      << "group is " << param.group() << ": give a divisor of num_output";
  group_ = static_cast<int>(param.group());
  CHECK(channels_ % group_ == 0) << "group " << group_ << " must divide the " << channels_
                                 << " channels of the bottom";
  CHECK(num_output_ % group_ == 0) << "group " << group_ << " must divide num_output";
  conv_out_channels_ = reverse_dimensions() ? channels_ : num_output_;
  conv_in_channels_ = reverse_dimensions() ? num_output_ : channels_;
  bias_term_ = param.bias_term();
  // A kernel larger than the image is told before the weights are filled. Users' classes may know
  // their output's shape later only.
  bottom_shape_ = &bottom[0]->shape();
  if (IsExactly<ConvolutionLayer<Dtype>>(*this)) compute_output_shape();
  SetUpBlobs();
  kernel_dim_ = this->blobs_[0]->count(1);
  weight_offset_ = conv_out_channels_ * kernel_dim_ / group_;
  this->param_propagate_down_.resize(this->blobs_.size(), true);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::SetUpBlobs() {
  const ConvolutionParameter& param = this->layer_param_.convolution_param();
  vector<int> weight_shape = {conv_out_channels_, conv_in_channels_ / group_};
  for (int i = 0; i < num_spatial_axes_; ++i) {
    weight_shape.push_back(kernel_shape_.cpu_data()[i]);
  }
  vector<BlobSpec> specs = {{"weights", weight_shape, param.weight_filler()}};
  if (bias_term_) specs.push_back({"bias", {num_output_}, param.bias_filler()});
  SetUpLearnedBlobs(specs, &this->blobs_);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const int first_spatial_axis = channel_axis_ + 1;
  CHECK_EQ(bottom[0]->num_axes(), first_spatial_axis + num_spatial_axes_)
      << " axes: the bottom's number of axes must not change";
  CHECK_EQ(bottom[0]->shape(channel_axis_), channels_)
      << ": the bottom's number of channels must not change";
  for (size_t i = 1; i < bottom.size(); ++i) {
    CHECK(bottom[0]->shape() == bottom[i]->shape())
        << "all bottoms must have one shape, but they have " << bottom[0]->shape_string() << " and "
        << bottom[i]->shape_string();
  }
  bottom_shape_ = &bottom[0]->shape();
  num_ = bottom[0]->count(0, channel_axis_);
  compute_output_shape();
  vector<int> top_shape(bottom_shape_->begin(), bottom_shape_->begin() + channel_axis_);
  top_shape.push_back(num_output_);
  top_shape.insert(top_shape.end(), output_shape_.begin(), output_shape_.end());
  for (Blob<Dtype>* blob : top) blob->Reshape(top_shape);

  bottom_dim_ = bottom[0]->count(channel_axis_);
  top_dim_ = top[0]->count(channel_axis_);
  out_spatial_dim_ = top[0]->count(first_spatial_axis);
  conv_out_spatial_dim_ =
      reverse_dimensions() ? bottom[0]->count(first_spatial_axis) : out_spatial_dim_;
  output_offset_ = conv_out_channels_ * conv_out_spatial_dim_ / group_;
  conv_input_shape_.Reshape(vector<int>(1, num_spatial_axes_ + 1));
  int* image = conv_input_shape_.mutable_cpu_data();
  col_buffer_shape_.assign(1, kernel_dim_ * group_);
  for (int i = 0; i <= num_spatial_axes_; ++i) {
    image[i] = reverse_dimensions() ? top[0]->shape(channel_axis_ + i) : input_shape(i);
    if (i > 0) {
      col_buffer_shape_.push_back(reverse_dimensions() ? input_shape(i) : output_shape_[i - 1]);
    }
  }
  // The columns may be too many for a blob; most kernels need none.
  const int64_t columns = int64_t(kernel_dim_) * conv_out_spatial_dim_;
  col_offset_ = static_cast<int>(std::min<int64_t>(columns, std::numeric_limits<int>::max()));
}

// ---- by matrix products ----

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::ToColumns(OnCpu, const Dtype* image, Dtype* columns) {
  im2col_nd_cpu(image, num_spatial_axes_, conv_input_shape_.cpu_data(), col_buffer_shape_.data(),
                kernel_shape_.cpu_data(), pad_.cpu_data(), stride_.cpu_data(), dilation_.cpu_data(),
                columns);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::ToImage(OnCpu, const Dtype* columns, Dtype* image) {
  col2im_nd_cpu(columns, num_spatial_axes_, conv_input_shape_.cpu_data(), col_buffer_shape_.data(),
                kernel_shape_.cpu_data(), pad_.cpu_data(), stride_.cpu_data(), dilation_.cpu_data(),
                image);
}

template <typename Dtype>
Dtype* BaseConvolutionLayer<Dtype>::ColumnBuffer(OnCpu) {
  col_buffer_.Reshape(col_buffer_shape_);
  return col_buffer_.mutable_cpu_data();
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::AddBias(OnCpu, Dtype* output, const Dtype* bias) {
  ForRows(num_output_, out_spatial_dim_, [&](std::ptrdiff_t c) {
    const Dtype add = bias[c];
    Dtype* values = output + c * out_spatial_dim_;
    for (int i = 0; i < out_spatial_dim_; ++i) values[i] += add;
  });
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::AddBiasDiff(OnCpu, Dtype* bias, const Dtype* input) {
  const ChannelLayout layout = {1, num_output_, out_spatial_dim_, 1, 1};
  AddSums(SumPerChannel(layout, input), bias);
}

// The names that layers written for Caffe 1.0 call.
#define DEFINE_PRODUCTS(device, Device)                                                           \
  template <typename Dtype>                                                                       \
  void BaseConvolutionLayer<Dtype>::forward_##device##_gemm(                                      \
      const Dtype* input, const Dtype* weights, Dtype* output, bool skip_im2col) {                \
    ImageToFeatures<Device>(input, weights, output, skip_im2col);                                 \
  }                                                                                               \
  template <typename Dtype>                                                                       \
  void BaseConvolutionLayer<Dtype>::backward_##device##_gemm(                                     \
      const Dtype* input, const Dtype* weights, Dtype* output) {                                  \
    FeaturesToImage<Device>(input, weights, output);                                              \
  }                                                                                               \
  template <typename Dtype>                                                                       \
  void BaseConvolutionLayer<Dtype>::weight_##device##_gemm(const Dtype* input,                    \
                                                           const Dtype* output, Dtype* weights) { \
    AddWeightDiff<Device>(input, output, weights);                                                \
  }                                                                                               \
  template <typename Dtype>                                                                       \
  void BaseConvolutionLayer<Dtype>::forward_##device##_bias(Dtype* output, const Dtype* bias) {   \
    AddBias(Device(), output, bias);                                                              \
  }                                                                                               \
  template <typename Dtype>                                                                       \
  void BaseConvolutionLayer<Dtype>::backward_##device##_bias(Dtype* bias, const Dtype* input) {   \
    AddBiasDiff(Device(), bias, input);                                                           \
  }
DEFINE_PRODUCTS(cpu, OnCpu)
#ifndef CPU_ONLY
DEFINE_PRODUCTS(gpu, OnGpu)
#endif

// ---- by oneDNN or cuDNN ----

template <typename Dtype>
dnn::Convolution<Dtype>* BaseConvolutionLayer<Dtype>::fast() {
  const bool gpu = Caffe::mode() == Caffe::GPU;
  if (fast_shape_ == *bottom_shape_ && !fast_shape_.empty() && fast_is_gpu_ == gpu) {
    return fast_.get();
  }
  fast_shape_ = *bottom_shape_;
  fast_is_gpu_ = gpu;
  fast_.reset();
  const Precision precision = this->layer_param_.precision();
  if (precision == BF16 && !gpu && !dnn::HasBfloat16()) {
    LOG_FIRST_N(WARNING, 1) << "precision: BF16 needs a CPU with AVX512-BF16 or AMX: on this one "
                               "layers compute in float";
  }
  if (precision == FP16 && !gpu) {
    LOG_FIRST_N(WARNING, 1) << "precision: FP16 is for GPUs: on the CPU layers compute in float";
  }
  if (!wants_fast()) return nullptr;
  const ConvolutionGeometry geometry = Geometry();
  fast_ =
      gpu ? cudnn::CreateConvolution<Dtype>(geometry) : dnn::Convolution<Dtype>::Create(geometry);
  if (gpu && !fast_ && precision != FP32) {
    LOG_FIRST_N(WARNING, 1) << "precision: " << Precision_Name(precision)
                            << " needs cuDNN on the GPU: layers compute in float";
  }
  return fast_.get();
}

template <typename Dtype>
bool BaseConvolutionLayer<Dtype>::wants_fast() const {
  // force_nd_im2col chooses between ways to make columns, of which the fast path makes none: with
  // and without it a layer gives the same bits.
  // The libraries take no blobs without elements.
  return this->layer_param_.convolution_param().engine() != ConvolutionParameter_Engine_CAFFE &&
         num_spatial_axes_ == 2 && channel_axis_ == 1 && num_ > 0 && bottom_dim_ > 0 &&
         (Caffe::mode() == Caffe::GPU || fast_pays());
}

template <typename Dtype>
ConvolutionGeometry BaseConvolutionLayer<Dtype>::Geometry() const {
  ConvolutionGeometry geometry;
  geometry.num = num_;
  geometry.groups = group_;
  geometry.image_channels = conv_in_channels_;
  geometry.feature_channels = conv_out_channels_;
  for (int i = 0; i < 2; ++i) {
    geometry.image[i] = conv_input_shape_.cpu_data()[i + 1];
    geometry.features[i] = col_buffer_shape_[i + 1];
    geometry.kernel[i] = kernel_shape_.cpu_data()[i];
    geometry.stride[i] = stride_.cpu_data()[i];
    geometry.pad[i] = pad_.cpu_data()[i];
    geometry.dilation[i] = dilation_.cpu_data()[i];
  }
  geometry.keep_weights = this->phase_ == TEST;
  geometry.relu_slope = relu_slope_;
  geometry.scales = scales_features_;
  const Precision precision = this->layer_param_.precision();
  geometry.element = dnn::MultipliedAs(precision);
  geometry.tf32 = precision == TF32;
  return geometry;
}

INSTANTIATE_CLASS(BaseConvolutionLayer);

}  // namespace caffe
