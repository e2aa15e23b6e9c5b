#ifndef CAFFE_SRC_UTIL_POOL_WINDOWS_HPP_
#define CAFFE_SRC_UTIL_POOL_WINDOWS_HPP_

#include "caffe/util/host_device.hpp"

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

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_POOL_WINDOWS_HPP_
