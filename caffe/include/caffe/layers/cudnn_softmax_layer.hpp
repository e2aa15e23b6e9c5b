#ifndef CAFFE_CUDNN_SOFTMAX_LAYER_HPP_
#define CAFFE_CUDNN_SOFTMAX_LAYER_HPP_

#include "caffe/layers/softmax_layer.hpp"

namespace caffe {

/// The name of Caffe 1.0's softmax over cuDNN. Here a layer chooses its fast path by itself, so
/// that both names mean one class.
template <typename Dtype>
using CuDNNSoftmaxLayer = SoftmaxLayer<Dtype>;

}  // namespace caffe

#endif  // CAFFE_CUDNN_SOFTMAX_LAYER_HPP_
