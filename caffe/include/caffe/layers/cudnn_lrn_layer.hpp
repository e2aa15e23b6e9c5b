#ifndef CAFFE_CUDNN_LRN_LAYER_HPP_
#define CAFFE_CUDNN_LRN_LAYER_HPP_

#include "caffe/layers/lrn_layer.hpp"

namespace caffe {

/// The name of Caffe 1.0's normalisation across channels over cuDNN. Here a layer chooses its fast
/// path by itself, so that both names mean one class.
template <typename Dtype>
using CuDNNLRNLayer = LRNLayer<Dtype>;

}  // namespace caffe

#endif  // CAFFE_CUDNN_LRN_LAYER_HPP_
