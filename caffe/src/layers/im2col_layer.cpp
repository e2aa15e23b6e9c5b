#include "caffe/layers/im2col_layer.hpp"

#include <climits>

#include "caffe/util/im2col.hpp"
#include "layers/window_params.hpp"

namespace caffe {

template <typename Dtype>
void Im2colLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const ConvolutionParameter& param = this->layer_param_.convolution_param();
  force_nd_im2col_ = param.force_nd_im2col();
  channel_axis_ = bottom[0]->CanonicalAxisIndex(param.axis());
  num_spatial_axes_ = bottom[0]->num_axes() - channel_axis_ - 1;
  CHECK_GE(num_spatial_axes_, 1) << ": Im2col needs an axis after the channels to slide along";
  ReadWindowParams(param, num_spatial_axes_, &kernel_shape_, &stride_, &pad_, &dilation_);
}

template <typename Dtype>
void Im2colLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->num_axes(), channel_axis_ + 1 + num_spatial_axes_)
      << " axes: the bottom's number of axes must not change";
  vector<int> top_shape = bottom[0]->shape();
  int64_t rows = top_shape[channel_axis_];
  for (int i = 0; i < num_spatial_axes_; ++i) {
    const int axis = channel_axis_ + 1 + i;
    const int kernel = kernel_shape_.cpu_data()[i];
    rows *= kernel;
    CHECK_LE(rows, INT_MAX) << " channels are too many for the top: kernel_size is too large";
    top_shape[axis] = OutputPositions(top_shape[axis], kernel, pad_.cpu_data()[i],
                                      stride_.cpu_data()[i], dilation_.cpu_data()[i]);
  }
  top_shape[channel_axis_] = static_cast<int>(rows);
  top[0]->Reshape(top_shape);
  num_ = bottom[0]->count(0, channel_axis_);
  channels_ = bottom[0]->shape(channel_axis_);
  bottom_dim_ = bottom[0]->count(channel_axis_);
  top_dim_ = top[0]->count(channel_axis_);
}

template <typename Dtype>
void Im2colLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const Dtype* image = bottom[0]->cpu_data();
  Dtype* columns = top[0]->mutable_cpu_data();
  for (int n = 0; n < num_; ++n) {
    im2col_nd_cpu(image + n * bottom_dim_, num_spatial_axes_,
                  bottom[0]->shape().data() + channel_axis_, top[0]->shape().data() + channel_axis_,
                  kernel_shape_.cpu_data(), pad_.cpu_data(), stride_.cpu_data(),
                  dilation_.cpu_data(), columns + n * top_dim_);
  }
}

template <typename Dtype>
void Im2colLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype* columns = top[0]->cpu_diff();
  Dtype* image = bottom[0]->mutable_cpu_diff();
  for (int n = 0; n < num_; ++n) {
    col2im_nd_cpu(columns + n * top_dim_, num_spatial_axes_,
                  bottom[0]->shape().data() + channel_axis_, top[0]->shape().data() + channel_axis_,
                  kernel_shape_.cpu_data(), pad_.cpu_data(), stride_.cpu_data(),
                  dilation_.cpu_data(), image + n * bottom_dim_);
  }
}

INSTANTIATE_CLASS(Im2colLayer);
REGISTER_LAYER_CLASS(Im2col);

}  // namespace caffe
