#ifndef CAFFE_CUDNN_POOLING_LAYER_HPP_
#define CAFFE_CUDNN_POOLING_LAYER_HPP_

#include "caffe/layers/pooling_layer.hpp"

namespace caffe {

/// The name of Caffe 1.0's pooling over cuDNN. Here a layer chooses its fast path by itself, so
/// that both names mean one class.
template <typename Dtype>
using CuDNNPoolingLayer = PoolingLayer<Dtype>;

}  // namespace caffe

#endif  // CAFFE_CUDNN_POOLING_LAYER_HPP_
