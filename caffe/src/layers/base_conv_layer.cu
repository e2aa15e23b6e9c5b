// Convolutions on the GPU by matrix products: the counterpart of the same functions on the CPU, and
// what is left to it where cuDNN is not used.
#include "caffe/layers/base_conv_layer.hpp"
#include "util/device_channels.cuh"
#include "util/device_columns.cuh"

namespace caffe {

template <typename Dtype>
Dtype* BaseConvolutionLayer<Dtype>::DeviceColumns() {
  return static_cast<Dtype*>(DeviceScratch(Scratch::kColumns, col_buffer_.count() * sizeof(Dtype)));
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::conv_im2col_gpu(const Dtype* data, Dtype* columns) {
  ImageToColumnsOnGpu(DeviceWindows(num_spatial_axes_, conv_input_shape_.cpu_data(),
                                    col_buffer_shape_.data(), kernel_shape_.cpu_data(),
                                    pad_.cpu_data(), stride_.cpu_data(), dilation_.cpu_data()),
                      data, columns);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::conv_col2im_gpu(const Dtype* columns, Dtype* data) {
  ColumnsToImageOnGpu(DeviceWindows(num_spatial_axes_, conv_input_shape_.cpu_data(),
                                    col_buffer_shape_.data(), kernel_shape_.cpu_data(),
                                    pad_.cpu_data(), stride_.cpu_data(), dilation_.cpu_data()),
                      columns, data);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::forward_gpu_gemm(const Dtype* input, const Dtype* weights,
                                                   Dtype* output, bool skip_im2col) {
  const Dtype* columns = input;
  if (!is_1x1_) {
    Dtype* made = DeviceColumns();
    if (!skip_im2col) conv_im2col_gpu(input, made);
    columns = made;
  }
  for (int g = 0; g < group_; ++g) {
    caffe_gpu_gemm<Dtype>(CblasNoTrans, CblasNoTrans, conv_out_channels_ / group_,
                          conv_out_spatial_dim_, kernel_dim_, 1, weights + weight_offset_ * g,
                          columns + col_offset_ * g, 0, output + output_offset_ * g);
  }
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::forward_gpu_bias(Dtype* output, const Dtype* bias) {
  const Channels at({1, num_output_, out_spatial_dim_, 1, 1});
  ForElements(at.count(), ScaleChannels<Dtype>{at, output, nullptr, bias, output});
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::backward_gpu_gemm(const Dtype* input, const Dtype* weights,
                                                    Dtype* output) {
  Dtype* columns = is_1x1_ ? output : DeviceColumns();
  for (int g = 0; g < group_; ++g) {
    caffe_gpu_gemm<Dtype>(CblasTrans, CblasNoTrans, kernel_dim_, conv_out_spatial_dim_,
                          conv_out_channels_ / group_, 1, weights + weight_offset_ * g,
                          input + output_offset_ * g, 0, columns + col_offset_ * g);
  }
  if (!is_1x1_) conv_col2im_gpu(columns, output);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::weight_gpu_gemm(const Dtype* input, const Dtype* output,
                                                  Dtype* weights) {
  const Dtype* columns = input;
  if (!is_1x1_) {
    Dtype* made = DeviceColumns();
    conv_im2col_gpu(input, made);
    columns = made;
  }
  for (int g = 0; g < group_; ++g) {
    caffe_gpu_gemm<Dtype>(CblasNoTrans, CblasTrans, conv_out_channels_ / group_, kernel_dim_,
                          conv_out_spatial_dim_, 1, output + output_offset_ * g,
                          columns + col_offset_ * g, 1, weights + weight_offset_ * g);
  }
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::backward_gpu_bias(Dtype* bias, const Dtype* input) {
  const Channels at({1, num_output_, out_spatial_dim_, 1, 1});
  SumRows(at.channels, at.length(), SumOfChannel<Dtype>{at, input}, StoreSum<Dtype>{bias, true});
}

#define INSTANTIATE_CONVOLUTION(Dtype)                                                            \
  template void BaseConvolutionLayer<Dtype>::forward_gpu_gemm(const Dtype*, const Dtype*, Dtype*, \
                                                              bool);                              \
  template void BaseConvolutionLayer<Dtype>::forward_gpu_bias(Dtype*, const Dtype*);              \
  template void BaseConvolutionLayer<Dtype>::backward_gpu_gemm(const Dtype*, const Dtype*,        \
                                                               Dtype*);                           \
  template void BaseConvolutionLayer<Dtype>::weight_gpu_gemm(const Dtype*, const Dtype*, Dtype*); \
  template void BaseConvolutionLayer<Dtype>::backward_gpu_bias(Dtype*, const Dtype*)
INSTANTIATE_CONVOLUTION(float);
INSTANTIATE_CONVOLUTION(double);

}  // namespace caffe
