#ifndef CAFFE_SRC_LAYERS_POOLING_KERNELS_HPP_
#define CAFFE_SRC_LAYERS_POOLING_KERNELS_HPP_

/// Sliding windows over the planes of an image blob in any layout. Places in a plane are numbered
/// h * width + w and kept as floating point numbers, as in the mask blobs of prototxts.

#include "caffe/util/host_device.hpp"
#include "util/channel_layout.hpp"

namespace caffe {

/// A window along one axis.
struct PoolAxis {
  int in, out, kernel, stride, pad;

  /// First and last + 1 position of output o inside the image.
  CAFFE_HOST_DEVICE int Begin(int o) const { return Larger(0, o * stride - pad); }
  CAFFE_HOST_DEVICE int End(int o) const { return Smaller(in, o * stride - pad + kernel); }
  /// Positions of output o inside the padded image.
  CAFFE_HOST_DEVICE int PaddedLength(int o) const {
    const int begin = o * stride - pad;
    return Smaller(begin + kernel, in + pad) - begin;
  }
  /// First and last + 1 output whose window holds position i.
  CAFFE_HOST_DEVICE int FirstOutput(int i) const {
    const int past = i + pad - kernel;
    return past < 0 ? 0 : past / stride + 1;
  }
  CAFFE_HOST_DEVICE int LastOutput(int i) const { return Smaller(out, (i + pad) / stride + 1); }
  /// Whether every position belongs to exactly one window.
  bool Tiles() const { return kernel == stride && pad == 0 && out * stride >= in; }

  bool operator==(const PoolAxis& other) const {
    return in == other.in && out == other.out && kernel == other.kernel && stride == other.stride &&
           pad == other.pad;
  }
};

struct PoolWindows {
  PoolAxis h, w;

  bool Tile() const { return h.Tiles() && w.Tiles(); }

  bool operator==(const PoolWindows& other) const { return h == other.h && w == other.w; }
};

/// y = maximum of each window; `where` = the place of its first occurrence. Either may be null.
/// Values may be kept as BFloat16 (T); places are float then.
template <typename Dtype, typename T>
void MaxPool(const ChannelLayout& bottom, const PoolWindows& windows, const T* x, T* y,
             Dtype* where);
/// dx = at each place the sum of dy of the windows whose value comes from there.
template <typename Dtype, typename T>
void MaxPoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const T* dy,
                     const Dtype* where, T* dx);

/// The same for windows that tile the plane, with the places taken from x. Layout: of x and dx.
template <typename Dtype, typename T>
void MaxPoolBackwardOfTiles(const ChannelLayout& layout, const PoolWindows& windows, const T* x,
                            const T* dy, T* dx);

/// y = sum of each window over its size in the padded image.
template <typename Dtype>
void AveragePool(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* x, Dtype* y);
template <typename Dtype>
void AveragePoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* dy,
                         Dtype* dx);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_POOLING_KERNELS_HPP_
