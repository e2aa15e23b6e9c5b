#ifndef CAFFE_SRC_UTIL_DEVICE_CHANNELS_CUH_
#define CAFFE_SRC_UTIL_DEVICE_CHANNELS_CUH_

/// per_channel.hpp on the GPU: sums over the pixels of each channel, and formulas with coefficients
/// for each channel, on blobs in plain order.

#include "util/channel_layout.hpp"
#include "util/device_loops.cuh"
#include "util/divisor.hpp"
#include "util/two_sums.hpp"

namespace caffe {

/// Where the channels of outer x channels x inner elements are.
struct Channels {
  int outer, channels, inner;
  Divisor by_inner, by_channels;

  /// The layout must be, or is seen as, plain.
  explicit Channels(const ChannelLayout& layout)
      : outer(layout.num),
        channels(layout.channels),
        inner(layout.area()),
        by_inner(inner),
        by_channels(channels) {}

  CAFFE_HOST_DEVICE int count() const { return outer * channels * inner; }
  /// Elements of a channel.
  CAFFE_HOST_DEVICE int length() const { return outer * inner; }
  CAFFE_HOST_DEVICE int ChannelOf(int i) const {
    return by_channels.Remainder(by_inner.Quotient(i));
  }
  /// Index of element i of channel c.
  CAFFE_HOST_DEVICE int At(int c, int i) const {
    return (by_inner.Quotient(i) * channels + c) * inner + by_inner.Remainder(i);
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

/// The sums of the distances from the channel's first value, and of their squares: mean and
/// variance in one pass. In double, without the loss of digits that squares of the values would
/// bring.
struct ShiftedSums : TwoSums {
  CAFFE_HOST_DEVICE double sum() const { return first; }
  CAFFE_HOST_DEVICE double Variance(double count) const {
    return Larger(0.0, second - first * first / count) / count;
  }
};

template <typename Dtype>
struct ShiftedSumsOfChannel {
  Channels at;
  const Dtype* x;
  CAFFE_HOST_DEVICE double Shift(int c) const { return x[at.At(c, 0)]; }
  CAFFE_HOST_DEVICE ShiftedSums operator()(int c, int i) const {
    const double distance = x[at.At(c, i)] - Shift(c);
    return {distance, distance * distance};
  }
};

/// The sums of x and of x y at once.
struct SumAndDot : TwoSums {
  CAFFE_HOST_DEVICE double sum() const { return first; }
  CAFFE_HOST_DEVICE double dot() const { return second; }
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

/// Writes sums times a factor.
template <typename Dtype>
struct StoreScaled {
  double factor;
  Dtype* to;
  CAFFE_HOST_DEVICE void operator()(int row, double sum) const {
    to[row] = static_cast<Dtype>(sum * factor);
  }
};

/// y = a x + b with a factor and an offset for each channel; either may be null (1 and 0). Where
/// that is not positive it is multiplied by `slope`.
template <typename Dtype>
struct ScaleChannels {
  Channels at;
  const Dtype* x;
  const Dtype* a;
  const Dtype* b;
  Dtype* y;
  Dtype slope = 1;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int c = at.ChannelOf(i);
    const Dtype value = x[i] * (a ? a[c] : Dtype(1)) + (b ? b[c] : Dtype(0));
    y[i] = value > Dtype(0) ? value : value * slope;
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

/// The gradient of y = relu(a x + b) as it is before the ReLU: dy where a x + b is positive, else
/// slope * dy.
template <typename Dtype>
struct RectifiedDiff {
  Channels at;
  const Dtype* dy;
  const Dtype* x;
  const Dtype* a;
  const Dtype* b;
  Dtype slope;
  CAFFE_HOST_DEVICE Dtype At(int c, int k) const {
    return a[c] * x[k] + b[c] > Dtype(0) ? dy[k] : slope * dy[k];
  }
};

/// The sums of that gradient g and of g (x - centre) at once.
template <typename Dtype>
struct SumsOfRectifiedDiff {
  RectifiedDiff<Dtype> diff;
  const Dtype* centre;
  CAFFE_HOST_DEVICE SumAndDot operator()(int c, int i) const {
    const int k = diff.at.At(c, i);
    const double g = diff.At(c, k);
    return {g, g * (diff.x[k] - centre[c])};
  }
};

/// dx = a g + u x + v.
template <typename Dtype>
struct CombineRectifiedDiff {
  RectifiedDiff<Dtype> diff;
  const Dtype* u;
  const Dtype* v;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int c = diff.at.ChannelOf(i);
    dx[i] = diff.a[c] * diff.At(c, i) + u[c] * diff.x[i] + v[c];
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DEVICE_CHANNELS_CUH_
