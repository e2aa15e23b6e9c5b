#ifndef CAFFE_SRC_CUDNN_PRODUCT_CALLS_HPP_
#define CAFFE_SRC_CUDNN_PRODUCT_CALLS_HPP_

/// cuDNN's calls for each of the products of a convolution, under common names; only for files in
/// this folder.

#include "core/convolution_geometry.hpp"
#include "cudnn/graph.hpp"
#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

/// Descriptors for so many images.
struct Sides {
  Sides(const ConvolutionGeometry& g, cudnnDataType_t type, int images) {
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(image, CUDNN_TENSOR_NCHW, type, images, g.image_channels,
                                           g.image[0], g.image[1]));
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(features, CUDNN_TENSOR_NCHW, type, images,
                                           g.feature_channels, g.features[0], g.features[1]));
    CUDNN_CHECK(cudnnSetFilter4dDescriptor(weights, type, CUDNN_TENSOR_NCHW, g.feature_channels,
                                           g.image_channels / g.groups, g.kernel[0], g.kernel[1]));
    const cudnnDataType_t sums = type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    CUDNN_CHECK(cudnnSetConvolution2dDescriptor(operation, g.pad[0], g.pad[1], g.stride[0],
                                                g.stride[1], g.dilation[0], g.dilation[1],
                                                CUDNN_CROSS_CORRELATION, sums));
    CUDNN_CHECK(cudnnSetConvolutionGroupCount(operation, g.groups));
  }

  Tensor image, features;
  Filter weights;
  ConvolutionOp operation;
};

/// Of the three, one is the result, and the others are only read.
struct Arrays {
  char *image, *features, *weights;
};

struct ToFeaturesCalls {
  static constexpr Product kProduct = Product::kToFeatures;
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  using Listed = cudnnConvolutionFwdAlgoPerf_t;

  static cudnnStatus_t List(const Sides& s, int most, int* count, Listed* listed) {
    return cudnnGetConvolutionForwardAlgorithm_v7(Handle(), s.image, s.weights, s.operation,
                                                  s.features, most, count, listed);
  }
  static cudnnStatus_t Workspace(const Sides& s, Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionForwardWorkspaceSize(Handle(), s.image, s.weights, s.operation,
                                                   s.features, algorithm, bytes);
  }
  static cudnnStatus_t Run(const Sides& s, const Arrays& at, Algorithm algorithm, void* workspace,
                           size_t bytes, const void* alpha, const void* beta) {
    return cudnnConvolutionForward(Handle(), alpha, s.image, at.image, s.weights, at.weights,
                                   s.operation, algorithm, workspace, bytes, beta, s.features,
                                   at.features);
  }
};

struct ToImageCalls {
  static constexpr Product kProduct = Product::kToImage;
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  using Listed = cudnnConvolutionBwdDataAlgoPerf_t;

  static cudnnStatus_t List(const Sides& s, int most, int* count, Listed* listed) {
    return cudnnGetConvolutionBackwardDataAlgorithm_v7(Handle(), s.weights, s.features, s.operation,
                                                       s.image, most, count, listed);
  }
  static cudnnStatus_t Workspace(const Sides& s, Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionBackwardDataWorkspaceSize(Handle(), s.weights, s.features,
                                                        s.operation, s.image, algorithm, bytes);
  }
  static cudnnStatus_t Run(const Sides& s, const Arrays& at, Algorithm algorithm, void* workspace,
                           size_t bytes, const void* alpha, const void* beta) {
    return cudnnConvolutionBackwardData(Handle(), alpha, s.weights, at.weights, s.features,
                                        at.features, s.operation, algorithm, workspace, bytes, beta,
                                        s.image, at.image);
  }
};

struct ToWeightsCalls {
  static constexpr Product kProduct = Product::kToWeights;
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  using Listed = cudnnConvolutionBwdFilterAlgoPerf_t;

  static cudnnStatus_t List(const Sides& s, int most, int* count, Listed* listed) {
    return cudnnGetConvolutionBackwardFilterAlgorithm_v7(Handle(), s.image, s.features, s.operation,
                                                         s.weights, most, count, listed);
  }
  static cudnnStatus_t Workspace(const Sides& s, Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionBackwardFilterWorkspaceSize(Handle(), s.image, s.features,
                                                          s.operation, s.weights, algorithm, bytes);
  }
  static cudnnStatus_t Run(const Sides& s, const Arrays& at, Algorithm algorithm, void* workspace,
                           size_t bytes, const void* alpha, const void* beta) {
    return cudnnConvolutionBackwardFilter(Handle(), alpha, s.image, at.image, s.features,
                                          at.features, s.operation, algorithm, workspace, bytes,
                                          beta, s.weights, at.weights);
  }
};

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_PRODUCT_CALLS_HPP_
