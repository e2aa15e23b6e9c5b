#ifndef CAFFE_SRC_GPU_COLUMNS_CUH_
#define CAFFE_SRC_GPU_COLUMNS_CUH_

/// im2col and col2im of caffe/util/im2col.hpp on the GPU, for any number of axes up to kMostAxes.

#include "gpu/loops.cuh"

namespace caffe {

/// Sliding windows over the channels of an image; see im2col.hpp for the arrays.
struct DeviceWindows {
  static constexpr int kMostAxes = 8;

  int axes, channels;
  int taps, pixels, outputs;  // of a window, of a channel's image, and positions of the window
  int in[kMostAxes], out[kMostAxes], kernel[kMostAxes];
  int pad[kMostAxes], stride[kMostAxes], dilation[kMostAxes];

  /// The arrays are on the host.
  DeviceWindows(int num_axes, const int* im_shape, const int* col_shape, const int* kernel_shape,
                const int* pads, const int* strides, const int* dilations)
      : axes(num_axes), channels(im_shape[0]), taps(1), pixels(1), outputs(1) {
    CHECK_LE(num_axes, +kMostAxes) << ": no more spatial axes can slide on the GPU";
    for (int i = 0; i < axes; ++i) {
      in[i] = im_shape[i + 1];
      out[i] = col_shape[i + 1];
      kernel[i] = kernel_shape[i];
      pad[i] = pads[i];
      stride[i] = strides[i];
      dilation[i] = dilations[i];
      taps *= kernel[i];
      pixels *= in[i];
      outputs *= out[i];
    }
  }

  /// The pixel that an output sees under a tap, or -1 where that lies outside.
  CAFFE_HOST_DEVICE int PixelOf(int output, int tap) const {
    int pixel = 0;
    int step = 1;
    for (int a = axes - 1; a >= 0; --a) {
      const int at = output % out[a] * stride[a] - pad[a] + tap % kernel[a] * dilation[a];
      if (at < 0 || at >= in[a]) return -1;
      pixel += at * step;
      step *= in[a];
      output /= out[a];
      tap /= kernel[a];
    }
    return pixel;
  }

  /// The output that sees a pixel under a tap, or -1 where none does.
  CAFFE_HOST_DEVICE int OutputOf(int pixel, int tap) const {
    int output = 0;
    int step = 1;
    for (int a = axes - 1; a >= 0; --a) {
      const int at = pixel % in[a] + pad[a] - tap % kernel[a] * dilation[a];
      if (at < 0 || at % stride[a] != 0 || at / stride[a] >= out[a]) return -1;
      output += at / stride[a] * step;
      step *= out[a];
      pixel /= in[a];
      tap /= kernel[a];
    }
    return output;
  }
};

/// Element i: all taps of one channel and output.
template <typename Dtype>
struct ToColumns {
  DeviceWindows windows;
  const Dtype* image;
  Dtype* columns;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const std::ptrdiff_t channel = i / windows.outputs;
    const int output = i % windows.outputs;
    const Dtype* from = image + channel * windows.pixels;
    Dtype* to = columns + channel * windows.taps * windows.outputs + output;
    for (int tap = 0; tap < windows.taps; ++tap) {
      const int pixel = windows.PixelOf(output, tap);
      to[std::ptrdiff_t(tap) * windows.outputs] = pixel < 0 ? Dtype(0) : from[pixel];
    }
  }
};

/// Element i: a pixel, which gathers from all taps.
template <typename Dtype>
struct ToImage {
  DeviceWindows windows;
  const Dtype* columns;
  Dtype* image;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const std::ptrdiff_t channel = i / windows.pixels;
    const Dtype* from = columns + channel * windows.taps * windows.outputs;
    Dtype sum = 0;
    for (int tap = 0; tap < windows.taps; ++tap) {
      const int output = windows.OutputOf(i % windows.pixels, tap);
      if (output >= 0) sum += from[std::ptrdiff_t(tap) * windows.outputs + output];
    }
    image[i] = sum;
  }
};

template <typename Dtype>
void ImageToColumnsOnGpu(const DeviceWindows& windows, const Dtype* image, Dtype* columns) {
  ForElements(std::ptrdiff_t(windows.channels) * windows.outputs,
              ToColumns<Dtype>{windows, image, columns});
}

/// Overwrites the image.
template <typename Dtype>
void ColumnsToImageOnGpu(const DeviceWindows& windows, const Dtype* columns, Dtype* image) {
  ForElements(std::ptrdiff_t(windows.channels) * windows.pixels,
              ToImage<Dtype>{windows, columns, image});
}

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_COLUMNS_CUH_
