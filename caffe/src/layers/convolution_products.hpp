#ifndef CAFFE_SRC_LAYERS_CONVOLUTION_PRODUCTS_HPP_
#define CAFFE_SRC_LAYERS_CONVOLUTION_PRODUCTS_HPP_

/// The products of BaseConvolutionLayer for one item, on either device, as products of matrices.

#include "caffe/layers/base_conv_layer.hpp"
#include "util/on_device.hpp"

namespace caffe {

template <typename Dtype>
template <typename Device>
const Dtype* BaseConvolutionLayer<Dtype>::Columns(const Dtype* image, bool keep) {
  if (is_1x1_) return image;
  Dtype* columns = ColumnBuffer(Device());
  if (!keep) ToColumns(Device(), image, columns);
  return columns;
}

template <typename Dtype>
template <typename Device>
void BaseConvolutionLayer<Dtype>::ImageToFeatures(const Dtype* image, const Dtype* weights,
                                                  Dtype* features, bool keep_columns) {
  const Dtype* columns = Columns<Device>(image, keep_columns);
  for (int g = 0; g < group_; ++g) {
    Device::template Gemm<Dtype>(CblasNoTrans, CblasNoTrans, conv_out_channels_ / group_,
                                 conv_out_spatial_dim_, kernel_dim_, 1,
                                 weights + weight_offset_ * g, columns + col_offset_ * g, 0,
                                 features + output_offset_ * g);
  }
}

template <typename Dtype>
template <typename Device>
void BaseConvolutionLayer<Dtype>::FeaturesToImage(const Dtype* features, const Dtype* weights,
                                                  Dtype* image) {
  Dtype* columns = is_1x1_ ? image : ColumnBuffer(Device());
  for (int g = 0; g < group_; ++g) {
    Device::template Gemm<Dtype>(CblasTrans, CblasNoTrans, kernel_dim_, conv_out_spatial_dim_,
                                 conv_out_channels_ / group_, 1, weights + weight_offset_ * g,
                                 features + output_offset_ * g, 0, columns + col_offset_ * g);
  }
  if (!is_1x1_) ToImage(Device(), columns, image);
}

template <typename Dtype>
template <typename Device>
void BaseConvolutionLayer<Dtype>::AddWeightDiff(const Dtype* image, const Dtype* features,
                                                Dtype* weights) {
  const Dtype* columns = Columns<Device>(image, false);
  for (int g = 0; g < group_; ++g) {
    Device::template Gemm<Dtype>(CblasNoTrans, CblasTrans, conv_out_channels_ / group_, kernel_dim_,
                                 conv_out_spatial_dim_, 1, features + output_offset_ * g,
                                 columns + col_offset_ * g, 1, weights + weight_offset_ * g);
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_CONVOLUTION_PRODUCTS_HPP_
