#ifndef CAFFE_SRC_LAYERS_CONVOLUTION_PRODUCTS_HPP_
#define CAFFE_SRC_LAYERS_CONVOLUTION_PRODUCTS_HPP_

/// The products of BaseConvolutionLayer for one item, on either device, as products of matrices.

#include "caffe/layers/base_conv_layer.hpp"
#include "dnn/gemm.hpp"
#include "dnn/precision.hpp"
#include "layers/on_device.hpp"

namespace caffe {

/// c = op(a) op(b) + beta c, with factors rounded as the layer wants it where that is faster.
template <typename Device, typename Dtype>
void MultiplyFor(const LayerParameter& layer, CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m,
                 int n, int k, const Dtype* a, const Dtype* b, Dtype beta, Dtype* c) {
  if constexpr (std::is_same<Device, OnCpu>::value && std::is_same<Dtype, float>::value) {
    const bool rounded = layer.convolution_param().engine() != ConvolutionParameter_Engine_CAFFE &&
                         dnn::MultipliedAs(layer.precision()) == Element::kBFloat16;
    if (rounded &&
        dnn::RoundedGemm(op_a != CblasNoTrans, op_b != CblasNoTrans, m, n, k, a, b, beta, c)) {
      return;
    }
  }
  Device::template Gemm<Dtype>(op_a, op_b, m, n, k, 1, a, b, beta, c);
}

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
    MultiplyFor<Device>(this->layer_param_, CblasNoTrans, CblasNoTrans, conv_out_channels_ / group_,
                        conv_out_spatial_dim_, kernel_dim_, weights + weight_offset_ * g,
                        columns + col_offset_ * g, Dtype(0), features + output_offset_ * g);
  }
}

template <typename Dtype>
template <typename Device>
void BaseConvolutionLayer<Dtype>::FeaturesToImage(const Dtype* features, const Dtype* weights,
                                                  Dtype* image) {
  Dtype* columns = is_1x1_ ? image : ColumnBuffer(Device());
  for (int g = 0; g < group_; ++g) {
    MultiplyFor<Device>(this->layer_param_, CblasTrans, CblasNoTrans, kernel_dim_,
                        conv_out_spatial_dim_, conv_out_channels_ / group_,
                        weights + weight_offset_ * g, features + output_offset_ * g, Dtype(0),
                        columns + col_offset_ * g);
  }
  if (!is_1x1_) ToImage(Device(), columns, image);
}

template <typename Dtype>
template <typename Device>
void BaseConvolutionLayer<Dtype>::AddWeightDiff(const Dtype* image, const Dtype* features,
                                                Dtype* weights) {
  const Dtype* columns = Columns<Device>(image, false);
  for (int g = 0; g < group_; ++g) {
    MultiplyFor<Device>(this->layer_param_, CblasNoTrans, CblasTrans, conv_out_channels_ / group_,
                        kernel_dim_, conv_out_spatial_dim_, features + output_offset_ * g,
                        columns + col_offset_ * g, Dtype(1), weights + weight_offset_ * g);
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_CONVOLUTION_PRODUCTS_HPP_
