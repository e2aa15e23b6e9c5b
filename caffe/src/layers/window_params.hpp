#ifndef CAFFE_SRC_LAYERS_WINDOW_PARAMS_HPP_
#define CAFFE_SRC_LAYERS_WINDOW_PARAMS_HPP_

/// Kernel, stride, pad and dilation as prototxts give them, one value for each spatial axis.
///
/// A repeated field gives one value for all axes or one for each; kernel_h/kernel_w and their likes
/// are for two axes. All functions throw Error when a value is missing, given twice or out of
/// range.

#include "caffe/blob.hpp"

namespace caffe {

/// No axis of a blob is longer than an int, so larger values are mistakes; up to this one an int
/// has room for what is computed of them.
const int kLargestWindow = 1 << 30;

/// Fills the four blobs (shape: spatial_axes).
void ReadWindowParams(const ConvolutionParameter& param, int spatial_axes, Blob<int>* kernel,
                      Blob<int>* stride, Blob<int>* pad, Blob<int>* dilation);

/// Height and width of each. Of global pooling, which takes the whole plane, the kernel is 0.
struct PoolingWindow {
  vector<int> kernel, stride, pad;
};
PoolingWindow ReadWindowParams(const PoolingParameter& param);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_WINDOW_PARAMS_HPP_
