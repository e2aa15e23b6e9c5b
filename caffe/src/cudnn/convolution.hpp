#ifndef CAFFE_SRC_CUDNN_CONVOLUTION_HPP_
#define CAFFE_SRC_CUDNN_CONVOLUTION_HPP_

#include "dnn/convolution.hpp"

namespace caffe {
namespace cudnn {

/// The products of a convolution on the GPU by cuDNN, in plain layout and float's own precision,
/// unless the geometry asks for TF32 or bfloat16; those of a depthwise one by a kernel of ours, in
/// float's precision. Null where the build has no cuDNN. How cuDNN computes a product is found by
/// trying at its first use; see products.hpp.
template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const ConvolutionGeometry& geometry);

#ifndef USE_CUDNN
template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const ConvolutionGeometry&) {
  return nullptr;
}
#endif

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_CONVOLUTION_HPP_
