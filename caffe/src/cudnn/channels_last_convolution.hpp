#ifndef CAFFE_SRC_CUDNN_CHANNELS_LAST_CONVOLUTION_HPP_
#define CAFFE_SRC_CUDNN_CHANNELS_LAST_CONVOLUTION_HPP_

#include "dnn/convolution.hpp"

namespace caffe {
namespace cudnn {

/// The products of a convolution on blobs in channels-last order, the one in which tensor cores
/// multiply: of 16 bits where the geometry's element has so many, else of floats, whose factors are
/// rounded (TF32). Parameters, their diffs and sums stay float, and so do results of less than
/// kChannelsAtOnce channels, what a net puts out as a rule. A product for which cuDNN has no engine
/// is left to `plain`.
shared_ptr<dnn::Convolution<float>> CreateChannelsLast(
    const ConvolutionGeometry& geometry, const shared_ptr<dnn::Convolution<float>>& plain);

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_CHANNELS_LAST_CONVOLUTION_HPP_
