#ifndef CAFFE_CUDNN_RELU_LAYER_HPP_
#define CAFFE_CUDNN_RELU_LAYER_HPP_

#include "caffe/layers/relu_layer.hpp"

namespace caffe {

/// The name of Caffe 1.0's ReLU over cuDNN. Here a layer chooses its fast path by itself, so that
/// both names mean one class.
template <typename Dtype>
using CuDNNReLULayer = ReLULayer<Dtype>;

}  // namespace caffe

#endif  // CAFFE_CUDNN_RELU_LAYER_HPP_
