#ifndef CAFFE_SRC_CUDNN_CHANNELS_LAST_DEPTHWISE_HPP_
#define CAFFE_SRC_CUDNN_CHANNELS_LAST_DEPTHWISE_HPP_

#include "dnn/convolution.hpp"

namespace caffe {
namespace cudnn {

/// A convolution of each channel on its own (IsDepthwise) between channels-last blobs on the GPU,
/// of the geometry's element type, by kernels of ours: beside channels-last convolutions, blobs
/// need no reordering. Null where the channels do not fill channels-last blobs.
shared_ptr<dnn::Convolution<float>> CreateChannelsLastDepthwise(
    const ConvolutionGeometry& geometry);

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_CHANNELS_LAST_DEPTHWISE_HPP_
