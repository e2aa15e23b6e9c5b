#ifndef CAFFE_SRC_CUDNN_CONVOLUTION_HPP_
#define CAFFE_SRC_CUDNN_CONVOLUTION_HPP_

#include "dnn/convolution.hpp"

namespace caffe {
namespace cudnn {

/// The products of a convolution on the GPU by cuDNN, in plain layout and float's own precision,
/// unless the geometry asks for TF32 or bfloat16. Null where the build has no cuDNN. Which
/// algorithm does a product is found by trying them at its first use, once a process for each
/// geometry and GPU; only those count that give equal bits each time and get by with
/// kWorkspaceLimit. Throws Error where there is none.
template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const dnn::ConvolutionGeometry& geometry);

/// Most bytes of temporary memory for a product; all of them share it.
constexpr size_t kWorkspaceLimit = size_t(1) << 30;

#ifndef USE_CUDNN
template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const dnn::ConvolutionGeometry&) {
  return nullptr;
}
#endif

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_CONVOLUTION_HPP_
