#ifndef CAFFE_SRC_LAYERS_WINDOW_PARAMS_HPP_
#define CAFFE_SRC_LAYERS_WINDOW_PARAMS_HPP_

/// Kernel, stride, pad and dilation of a ConvolutionParameter, one value for each spatial axis.

#include "caffe/blob.hpp"

namespace caffe {

/// Fills the four blobs (shape: spatial_axes). A repeated field gives one value for all axes or one
/// for each; kernel_h/kernel_w and their likes are for two axes. Throws when a value is missing,
/// given twice or out of range.
void ReadWindowParams(const ConvolutionParameter& param, int spatial_axes, Blob<int>* kernel,
                      Blob<int>* stride, Blob<int>* pad, Blob<int>* dilation);

/// Positions of a window along an axis; throws when the window does not fit.
int WindowPositions(int input, int kernel, int stride, int pad, int dilation);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_WINDOW_PARAMS_HPP_
