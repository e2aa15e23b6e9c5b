#ifndef _CAFFE_UTIL_IM2COL_HPP_
#define _CAFFE_UTIL_IM2COL_HPP_

/// Convolution as a matrix product: im2col copies the window under every output position into a
/// column, col2im adds columns back into the image (its transpose).
///
/// Columns are [channels * kernel taps][output positions], row-major; taps outside the image are 0.

#include "caffe/util/device_alternate.hpp"

namespace caffe {

/// How many positions an output axis has. Throws Error where the kernel does not fit.
int OutputPositions(int in, int kernel, int pad, int stride, int dilation);

/// Any number of spatial axes. im_shape: channels, then the image's axes; col_shape: rows, then the
/// output's axes; the other arrays have one value for each spatial axis.
template <typename Dtype>
void im2col_nd_cpu(const Dtype* data_im, const int num_spatial_axes, const int* im_shape,
                   const int* col_shape, const int* kernel_shape, const int* pad, const int* stride,
                   const int* dilation, Dtype* data_col);

template <typename Dtype>
void im2col_cpu(const Dtype* data_im, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_col);

/// Overwrites the image.
template <typename Dtype>
void col2im_nd_cpu(const Dtype* data_col, const int num_spatial_axes, const int* im_shape,
                   const int* col_shape, const int* kernel_shape, const int* pad, const int* stride,
                   const int* dilation, Dtype* data_im);

template <typename Dtype>
void col2im_cpu(const Dtype* data_col, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_im);

#ifndef CPU_ONLY

// The same with all arrays on the device. Of the nd functions the sizes are not needed: the shapes
// tell them.

template <typename Dtype>
void im2col_nd_gpu(const Dtype* data_im, const int num_spatial_axes, const int col_size,
                   const int* im_shape, const int* col_shape, const int* kernel_shape,
                   const int* pad, const int* stride, const int* dilation, Dtype* data_col);

template <typename Dtype>
void im2col_gpu(const Dtype* data_im, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_col);

template <typename Dtype>
void col2im_nd_gpu(const Dtype* data_col, const int num_spatial_axes, const int im_size,
                   const int* im_shape, const int* col_shape, const int* kernel_shape,
                   const int* pad, const int* stride, const int* dilation, Dtype* data_im);

template <typename Dtype>
void col2im_gpu(const Dtype* data_col, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_im);

#endif  // CPU_ONLY

}  // namespace caffe

#endif  // _CAFFE_UTIL_IM2COL_HPP_
