#ifndef CAFFE_CUDNN_DECONV_LAYER_HPP_
#define CAFFE_CUDNN_DECONV_LAYER_HPP_

#include "caffe/layers/deconv_layer.hpp"

namespace caffe {

/// The name of Caffe 1.0's deconvolution over cuDNN. Here a layer chooses its fast path by itself,
/// so that both names mean one class.
template <typename Dtype>
using CuDNNDeconvolutionLayer = DeconvolutionLayer<Dtype>;

}  // namespace caffe

#endif  // CAFFE_CUDNN_DECONV_LAYER_HPP_
