#ifndef CAFFE_SRC_UTIL_DEVICE_CHANNELS_CUH_
#define CAFFE_SRC_UTIL_DEVICE_CHANNELS_CUH_

/// per_channel.hpp on the GPU: sums over the pixels of each channel, and formulas with coefficients
/// for each channel, on blobs in plain order.

#include "util/channel_layout.hpp"
#include "util/device_loops.cuh"

namespace caffe {

/// Where the channels of outer x channels x inner elements are.
struct Channels {
  int outer, channels, inner;

  /// The layout must be, or is seen as, plain.
  explicit Channels(const ChannelLayout& layout)
      : outer(layout.num), channels(layout.channels), inner(layout.area()) {}

  int count() const { return outer * channels * inner; }
  /// Elements of a channel.
  int length() const { return outer * inner; }
  CAFFE_HOST_DEVICE int ChannelOf(int i) const { return i / inner % channels; }
  /// Index of element i of channel c.
  CAFFE_HOST_DEVICE int At(int c, int i) const {
    return (i / inner * channels + c) * inner + i % inner;
  }
};

template <typename Dtype>
struct SumOfChannel {
  Channels at;
  const Dtype* x;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const { return x[at.At(c, i)]; }
};

template <typename Dtype>
struct DotOfChannel {
  Channels at;
  const Dtype* x;
  const Dtype* y;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const {
    const int k = at.At(c, i);
    return double(x[k]) * y[k];
  }
};

template <typename Dtype>
struct SquaresOfChannel {
  Channels at;
  const Dtype* x;
  const Dtype* centre;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const {
    const double distance = x[at.At(c, i)] - centre[c];
    return distance * distance;
  }
};

/// The sums of x and of x y at once.
struct SumAndDot {
  double sum, dot;
  CAFFE_HOST_DEVICE void operator+=(const SumAndDot& other) {
    sum += other.sum;
    dot += other.dot;
  }
};

template <typename Dtype>
struct SumAndDotOfChannel {
  Channels at;
  const Dtype* x;
  const Dtype* y;
  CAFFE_HOST_DEVICE SumAndDot operator()(int c, int i) const {
    const int k = at.At(c, i);
    return {double(x[k]), double(x[k]) * y[k]};
  }
};

/// Writes sums, or adds them to what is there.
template <typename Dtype>
struct StoreSum {
  Dtype* sums;
  bool add;
  CAFFE_HOST_DEVICE void operator()(int row, double sum) const {
    sums[row] = static_cast<Dtype>(sum) + (add ? sums[row] : Dtype(0));
  }
};

/// y = a x + b with a factor and an offset for each channel; either may be null (1 and 0).
template <typename Dtype>
struct ScaleChannels {
  Channels at;
  const Dtype* x;
  const Dtype* a;
  const Dtype* b;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int c = at.ChannelOf(i);
    y[i] = x[i] * (a ? a[c] : Dtype(1)) + (b ? b[c] : Dtype(0));
  }
};

/// y = (x - centre) a for each channel.
template <typename Dtype>
struct NormalizeChannels {
  Channels at;
  const Dtype* x;
  const Dtype* centre;
  const Dtype* a;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int c = at.ChannelOf(i);
    y[i] = (x[i] - centre[c]) * a[c];
  }
};

/// y = a u + b v + c.
template <typename Dtype>
struct CombineChannels {
  Channels at;
  const Dtype* u;
  const Dtype* a;
  const Dtype* v;
  const Dtype* b;
  const Dtype* c;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int k = at.ChannelOf(i);
    y[i] = a[k] * u[i] + b[k] * v[i] + c[k];
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DEVICE_CHANNELS_CUH_
