#include <vector>

#include "caffe/util/im2col.hpp"
#include "caffe/util/math_functions.hpp"
#include "gpu/columns.cuh"

namespace caffe {

namespace {

std::vector<int> CopyToHost(const int* values, int n) {
  std::vector<int> copy(n);
  caffe_gpu_memcpy(n * sizeof(int), values, copy.data());
  CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  return copy;
}

// Arrays on the device.
DeviceWindows MakeWindows(int axes, const int* im_shape, const int* col_shape,
                          const int* kernel_shape, const int* pad, const int* stride,
                          const int* dilation) {
  const auto copy = [&](const int* values) { return CopyToHost(values, axes); };
  return DeviceWindows(axes, CopyToHost(im_shape, axes + 1).data(),
                       CopyToHost(col_shape, axes + 1).data(), copy(kernel_shape).data(),
                       copy(pad).data(), copy(stride).data(), copy(dilation).data());
}

DeviceWindows MakeWindows(int channels, int height, int width, int kernel_h, int kernel_w,
                          int pad_h, int pad_w, int stride_h, int stride_w, int dilation_h,
                          int dilation_w) {
  const int image[] = {channels, height, width};
  const int columns[] = {channels * kernel_h * kernel_w,
                         OutputPositions(height, kernel_h, pad_h, stride_h, dilation_h),
                         OutputPositions(width, kernel_w, pad_w, stride_w, dilation_w)};
  const int kernel[] = {kernel_h, kernel_w}, pad[] = {pad_h, pad_w};
  const int stride[] = {stride_h, stride_w}, dilation[] = {dilation_h, dilation_w};
  return DeviceWindows(2, image, columns, kernel, pad, stride, dilation);
}

}  // namespace

template <typename Dtype>
void im2col_nd_gpu(const Dtype* data_im, const int num_spatial_axes, const int col_size,
                   const int* im_shape, const int* col_shape, const int* kernel_shape,
                   const int* pad, const int* stride, const int* dilation, Dtype* data_col) {
  ImageToColumnsOnGpu(
      MakeWindows(num_spatial_axes, im_shape, col_shape, kernel_shape, pad, stride, dilation),
      data_im, data_col);
}

template <typename Dtype>
void col2im_nd_gpu(const Dtype* data_col, const int num_spatial_axes, const int im_size,
                   const int* im_shape, const int* col_shape, const int* kernel_shape,
                   const int* pad, const int* stride, const int* dilation, Dtype* data_im) {
  ColumnsToImageOnGpu(
      MakeWindows(num_spatial_axes, im_shape, col_shape, kernel_shape, pad, stride, dilation),
      data_col, data_im);
}

template <typename Dtype>
void im2col_gpu(const Dtype* data_im, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_col) {
  ImageToColumnsOnGpu(MakeWindows(channels, height, width, kernel_h, kernel_w, pad_h, pad_w,
                                  stride_h, stride_w, dilation_h, dilation_w),
                      data_im, data_col);
}

template <typename Dtype>
void col2im_gpu(const Dtype* data_col, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_im) {
  ColumnsToImageOnGpu(MakeWindows(channels, height, width, kernel_h, kernel_w, pad_h, pad_w,
                                  stride_h, stride_w, dilation_h, dilation_w),
                      data_col, data_im);
}

#define INSTANTIATE_COLUMNS(Dtype)                                                              \
  template void im2col_nd_gpu(const Dtype*, int, int, const int*, const int*, const int*,       \
                              const int*, const int*, const int*, Dtype*);                      \
  template void col2im_nd_gpu(const Dtype*, int, int, const int*, const int*, const int*,       \
                              const int*, const int*, const int*, Dtype*);                      \
  template void im2col_gpu(const Dtype*, int, int, int, int, int, int, int, int, int, int, int, \
                           Dtype*);                                                             \
  template void col2im_gpu(const Dtype*, int, int, int, int, int, int, int, int, int, int, int, \
                           Dtype*)
INSTANTIATE_COLUMNS(float);
INSTANTIATE_COLUMNS(double);

}  // namespace caffe
