// What convolutions by matrix products need of kernels of their own.
#include "caffe/layers/base_conv_layer.hpp"
#include "gpu/bias.hpp"
#include "gpu/columns.cuh"
#include "layers/on_device.hpp"

namespace caffe {

template <typename Dtype>
Dtype* BaseConvolutionLayer<Dtype>::ColumnBuffer(OnGpu) {
  col_buffer_.Reshape(col_buffer_shape_);
  return static_cast<Dtype*>(DeviceScratch(Scratch::kColumns, col_buffer_.count() * sizeof(Dtype)));
}

template <typename Dtype>
DeviceWindows BaseConvolutionLayer<Dtype>::Windows(OnGpu) {
  return {num_spatial_axes_,        conv_input_shape_.cpu_data(),
          col_buffer_shape_.data(), kernel_shape_.cpu_data(),
          pad_.cpu_data(),          stride_.cpu_data(),
          dilation_.cpu_data()};
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::ToColumns(OnGpu, const Dtype* image, Dtype* columns) {
  ImageToColumnsOnGpu(Windows(OnGpu()), image, columns);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::ToImage(OnGpu, const Dtype* columns, Dtype* image) {
  ColumnsToImageOnGpu(Windows(OnGpu()), columns, image);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::AddBias(OnGpu, Dtype* output, const Dtype* bias) {
  AddBiasOnGpu(1, num_output_, out_spatial_dim_, bias, Dtype(1), output);
}

template <typename Dtype>
void BaseConvolutionLayer<Dtype>::AddBiasDiff(OnGpu, Dtype* bias, const Dtype* input) {
  AddBiasDiffOnGpu(1, num_output_, out_spatial_dim_, input, bias);
}

#define INSTANTIATE_CONVOLUTION(Dtype)                                               \
  template Dtype* BaseConvolutionLayer<Dtype>::ColumnBuffer(OnGpu);                  \
  template void BaseConvolutionLayer<Dtype>::ToColumns(OnGpu, const Dtype*, Dtype*); \
  template void BaseConvolutionLayer<Dtype>::ToImage(OnGpu, const Dtype*, Dtype*);   \
  template void BaseConvolutionLayer<Dtype>::AddBias(OnGpu, Dtype*, const Dtype*);   \
  template void BaseConvolutionLayer<Dtype>::AddBiasDiff(OnGpu, Dtype*, const Dtype*)
INSTANTIATE_CONVOLUTION(float);
INSTANTIATE_CONVOLUTION(double);

}  // namespace caffe
