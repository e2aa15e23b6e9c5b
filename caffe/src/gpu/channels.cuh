#ifndef CAFFE_SRC_GPU_CHANNELS_CUH_
#define CAFFE_SRC_GPU_CHANNELS_CUH_

/// per_channel.hpp on the GPU: sums over the pixels of each channel, and formulas with coefficients
/// for each channel (see gpu/channel_loops.cuh).

#include "gpu/channel_loops.cuh"
#include "util/two_sums.hpp"

namespace caffe {

// ---- what becomes of sums ----

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
    to[row] = static_cast<Arithmetic<Dtype>>(sum * factor);
  }
};

// ---- sums of each channel, for SumChannels; f(x), f(x, y) ----

/// x itself.
struct ValueOfChannel {
  CAFFE_HOST_DEVICE ValueOfChannel For(int) const { return *this; }
  template <typename Real>
  CAFFE_HOST_DEVICE Real operator()(Real x) const {
    return x;
  }
};

/// x y.
struct ProductOfChannel {
  CAFFE_HOST_DEVICE ProductOfChannel For(int) const { return *this; }
  template <typename Real>
  CAFFE_HOST_DEVICE Real operator()(Real x, Real y) const {
    return x * y;
  }
};

/// x x.
struct SquareOfChannel {
  CAFFE_HOST_DEVICE SquareOfChannel For(int) const { return *this; }
  template <typename Real>
  CAFFE_HOST_DEVICE Real operator()(Real x) const {
    return x * x;
  }
};

/// (x - centre)^2.
template <typename T>
struct SquareDistanceOfChannel {
  const T* centre;

  struct Function {
    T centre;
    template <typename Real>
    CAFFE_HOST_DEVICE Real operator()(Real x) const {
      return (x - centre) * (x - centre);
    }
  };
  CAFFE_HOST_DEVICE Function For(int c) const { return {centre[c]}; }
};

/// The sums of the distances from the channel's first value, and of their squares: mean and
/// variance in one pass, without the loss of digits that squares of the values would bring.
struct ShiftedSums : TwoSums {
  CAFFE_HOST_DEVICE double sum() const { return first; }
  CAFFE_HOST_DEVICE double Variance(double count) const {
    return Larger(0.0, second - first * first / count) / count;
  }
};

template <typename T>
struct ShiftedSumsOfChannel {
  Channels at;
  const T* x;

  struct Function {
    Arithmetic<T> shift;
    template <typename Real>
    CAFFE_HOST_DEVICE TwoSumsOf<Real> operator()(Real value) const {
      const Real distance = value - shift;
      return {distance, distance * distance};
    }
  };
  CAFFE_HOST_DEVICE Arithmetic<T> Shift(int c) const { return x[at.At(c, 0)]; }
  CAFFE_HOST_DEVICE Function For(int c) const { return {Shift(c)}; }
};

/// The sums of x and of x y at once, as SumAndDot.
struct SumAndDotOfChannel {
  CAFFE_HOST_DEVICE SumAndDotOfChannel For(int) const { return *this; }
  template <typename Real>
  CAFFE_HOST_DEVICE TwoSumsOf<Real> operator()(Real x, Real y) const {
    return {x, x * y};
  }
};

/// dy where y, the result of a ReLU, is positive, else slope * dy; f(dy, y).
template <typename Real>
struct DiffBeforeRelu {
  Real slope;
  CAFFE_HOST_DEVICE DiffBeforeRelu For(int) const { return *this; }
  template <typename R>
  CAFFE_HOST_DEVICE R operator()(R dy, R y) const {
    return y > R(0) ? dy : slope * dy;
  }
};

/// The sum of every plane of x: store(image * channels + channel, sum).
template <typename T, typename Store>
void SumPlanes(const ChannelLayout& layout, const T* x, const Store& store) {
  if (layout.plain()) {
    const Channels planes({1, layout.num * layout.channels, layout.area(), 1, 1});
    return SumChannels(planes, ValueOfChannel(), store, x);
  }
  const Inputs<T, 1> input = {{x}};
  CHECK(InColumns(Channels(layout), input)) << "channels-last order is in whole packs";
  SumColumns<double>(layout.num, layout.area(), layout.channels, ValueOfChannel(), input, store);
}

// ---- formulas with coefficients of each channel, for ForChannels ----

/// a x + b with a factor and an offset for each channel; either may be null (1 and 0). Where that
/// is not positive it is multiplied by `slope`.
template <typename Real>
struct ScaleChannels {
  const Real* a;
  const Real* b;
  Real slope = 1;

  struct Function {
    Real a, b, slope;
    CAFFE_HOST_DEVICE Real operator()(Real x) const {
      const Real value = x * a + b;
      return value > Real(0) ? value : value * slope;
    }
  };
  CAFFE_HOST_DEVICE Function For(int c) const {
    return {a ? a[c] : Real(1), b ? b[c] : Real(0), slope};
  }
};

/// (x - centre) a.
template <typename Real>
struct NormalizeChannels {
  const Real* centre;
  const Real* a;

  struct Function {
    Real centre, a;
    CAFFE_HOST_DEVICE Real operator()(Real x) const { return (x - centre) * a; }
  };
  CAFFE_HOST_DEVICE Function For(int c) const { return {centre[c], a[c]}; }
};

/// a u + b v + c; f(u, v).
template <typename Real>
struct CombineChannels {
  const Real* a;
  const Real* b;
  const Real* c;

  struct Function {
    Real a, b, c;
    CAFFE_HOST_DEVICE Real operator()(Real u, Real v) const { return a * u + b * v + c; }
  };
  CAFFE_HOST_DEVICE Function For(int k) const { return {a[k], b[k], c[k]}; }
};

/// The gradient of y = relu(a x + b) as it is before the ReLU: dy where a x + b is positive, else
/// slope * dy; f(dy, x).
template <typename Real>
struct RectifiedDiff {
  const Real* a;
  const Real* b;
  Real slope;

  struct Function {
    Real a, b, slope;
    template <typename R>
    CAFFE_HOST_DEVICE R operator()(R dy, R x) const {
      return a * x + b > R(0) ? dy : slope * dy;
    }
  };
  CAFFE_HOST_DEVICE Function For(int c) const { return {a[c], b[c], slope}; }
};

/// The sums of that gradient g and of g (x - centre) at once, as SumAndDot.
template <typename Real>
struct SumsOfRectifiedDiff {
  RectifiedDiff<Real> diff;
  const Real* centre;

  struct Function {
    typename RectifiedDiff<Real>::Function diff;
    Real centre;
    template <typename R>
    CAFFE_HOST_DEVICE TwoSumsOf<R> operator()(R dy, R x) const {
      const R g = diff(dy, x);
      return {g, g * (x - centre)};
    }
  };
  CAFFE_HOST_DEVICE Function For(int c) const { return {diff.For(c), centre[c]}; }
};

/// a g + u x + v.
template <typename Real>
struct CombineRectifiedDiff {
  RectifiedDiff<Real> diff;
  const Real* u;
  const Real* v;

  struct Function {
    typename RectifiedDiff<Real>::Function diff;
    Real u, v;
    CAFFE_HOST_DEVICE Real operator()(Real dy, Real x) const {
      return diff.a * diff(dy, x) + u * x + v;
    }
  };
  CAFFE_HOST_DEVICE Function For(int c) const { return {diff.For(c), u[c], v[c]}; }
};

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_CHANNELS_CUH_
