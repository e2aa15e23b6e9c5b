#include <algorithm>
#include <numeric>

#include "util/device_depthwise.hpp"
#include "util/device_vectors.cuh"
#include "util/divisor.hpp"
#include "util/float16.hpp"

namespace caffe {

namespace {

struct Place {
  int n, c, y, x;
};

/// Where the values of num x channels x height x width are.
struct Order {
  Divisor by_channels, by_height, by_width;
  int height, width;
  bool last;
  /// From a value to the next one along each axis.
  int of_n, of_c, of_y, of_x;

  Order(int channels, const int* size, bool channels_last)
      : by_channels(channels),
        by_height(size[0]),
        by_width(size[1]),
        height(size[0]),
        width(size[1]),
        last(channels_last),
        of_n(channels * height * width),
        of_c(last ? 1 : height * width),
        of_y(last ? width * channels : width),
        of_x(last ? channels : 1) {}

  CAFFE_HOST_DEVICE Place At(int i) const {
    Place place;
    if (last) Split(by_channels, &i, &place.c);
    Split(by_width, &i, &place.x);
    Split(by_height, &i, &place.y);
    if (!last) Split(by_channels, &i, &place.c);
    place.n = i;
    return place;
  }
  /// Of the first value of a channel.
  CAFFE_HOST_DEVICE int Start(int n, int c) const { return n * of_n + c * of_c; }

 private:
  CAFFE_HOST_DEVICE static void Split(const Divisor& by, int* i, int* rest) {
    const int quotient = by.Quotient(*i);
    *rest = by.Remainder(*i);
    *i = quotient;
  }
};

/// How windows lie along one axis of the image.
struct Axis {
  int kernel, pad, dilation, stride, features, image;
  /// Of the taps under which features see a pixel, each is so many behind the one before.
  int step;
  Divisor by_stride;

  Axis(const dnn::ConvolutionGeometry& g, int axis)
      : kernel(g.kernel[axis]),
        pad(g.pad[axis]),
        dilation(g.dilation[axis]),
        stride(g.stride[axis]),
        features(g.features[axis]),
        image(g.image[axis]),
        step(stride / std::gcd(stride, dilation)),
        by_stride(stride) {}

  /// What a feature sees under tap 0; it may lie outside.
  CAFFE_HOST_DEVICE int Begin(int feature) const { return feature * stride - pad; }
  CAFFE_HOST_DEVICE bool Inside(int pixel) const { return pixel >= 0 && pixel < image; }

  /// Calls use(tap, feature) for all features that see a pixel.
  template <typename Use>
  CAFFE_HOST_DEVICE void ForFeaturesOf(int pixel, const Use& use) const {
    int tap = 0;
    int at = pixel + pad;
    for (int tries = 1; at >= 0 && by_stride.Remainder(at) != 0; ++tries, ++tap, at -= dilation) {
      if (tries == step) return;
    }
    for (; tap < kernel && at >= 0; tap += step, at -= step * dilation) {
      const int feature = by_stride.Quotient(at);
      if (feature < features) use(tap, feature);
    }
  }
};

/// Channels are counted in units of some channels.
struct Shape {
  Order image, features;
  Axis down, right;
  int channels, taps;
  /// From a unit's weight to that of the next channel, and of the next tap.
  int of_channel, of_tap;

  Shape(const dnn::ConvolutionGeometry& g, bool channels_last, int in_unit = 1)
      : image(g.groups / in_unit, g.image, channels_last),
        features(g.groups / in_unit, g.features, channels_last),
        down(g, 0),
        right(g, 1),
        channels(g.groups / in_unit),
        taps(g.kernel[0] * g.kernel[1]),
        of_channel(channels_last ? 1 : taps),
        of_tap(channels_last ? channels : 1) {}
};

/// A number for each of a unit's channels.
template <typename Weight, int size>
struct alignas(size * sizeof(Weight) < 16 ? size * sizeof(Weight) : 16) Lanes {
  Weight values[size];

  /// By value: so they are read as a whole.
  template <typename Unit>
  CAFFE_HOST_DEVICE void AddProduct(const Lanes weights, const Unit unit) {
    for (int k = 0; k < size; ++k) values[k] += weights.values[k] * Weight(unit[k]);
  }
  template <typename Unit>
  CAFFE_HOST_DEVICE Unit As() const {
    Unit unit;
    for (int k = 0; k < size; ++k) unit[k] = values[k];
    return unit;
  }
};

/// Element i of the features.
template <typename Weight, typename Unit>
struct DepthwiseFeature {
  using Weights = Lanes<Weight, Unit::kSize>;

  Shape shape;
  const Unit* image;
  const Weights* weights;
  Unit* features;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Place place = shape.features.At(i);
    const Unit* from = image + shape.image.Start(place.n, place.c);
    const Weights* weight = weights + place.c * shape.of_channel;
    const int top = shape.down.Begin(place.y), left = shape.right.Begin(place.x);
    Weights sum{};
    for (int down = 0; down < shape.down.kernel; ++down) {
      const int y = top + down * shape.down.dilation;
      if (!shape.down.Inside(y)) continue;
      for (int right = 0; right < shape.right.kernel; ++right) {
        const int x = left + right * shape.right.dilation;
        if (!shape.right.Inside(x)) continue;
        sum.AddProduct(weight[(down * shape.right.kernel + right) * shape.of_tap],
                       from[y * shape.image.of_y + x * shape.image.of_x]);
      }
    }
    features[i] = sum.template As<Unit>();
  }
};

/// Element i of the image, which gathers from the features that see it.
template <typename Weight, typename Unit>
struct DepthwisePixel {
  using Weights = Lanes<Weight, Unit::kSize>;

  Shape shape;
  const Unit* features;
  const Weights* weights;
  Unit* image;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Place place = shape.image.At(i);
    const Unit* from = features + shape.features.Start(place.n, place.c);
    const Weights* weight = weights + place.c * shape.of_channel;
    Weights sum{};
    shape.down.ForFeaturesOf(place.y, [&](int down, int y) {
      shape.right.ForFeaturesOf(place.x, [&](int right, int x) {
        sum.AddProduct(weight[(down * shape.right.kernel + right) * shape.of_tap],
                       from[y * shape.features.of_y + x * shape.features.of_x]);
      });
    });
    image[i] = sum.template As<Unit>();
  }
};

/// Sums of some taps that lie one behind the other in a row of the kernel: what they see does too.
struct TapSums {
  static constexpr int kTaps = 4;
  double sums[kTaps];

  CAFFE_HOST_DEVICE TapSums& operator+=(const TapSums& other) {
    for (int t = 0; t < kTaps; ++t) sums[t] += other.sums[t];
    return *this;
  }
};

/// The rows of the weights' diff: TapSums of a channel, of which the last ones may stick out.
struct TapRows {
  int in_kernel_row, of_channel, count;

  explicit TapRows(const Shape& shape)
      : in_kernel_row((shape.right.kernel + TapSums::kTaps - 1) / TapSums::kTaps),
        of_channel(in_kernel_row * shape.down.kernel),
        count(of_channel * shape.channels) {}
};

/// Element i: the sums of one row of taps, over one of the pieces that the features are cut into.
/// The elements of a piece lie far apart, so that neighbours read neighbours: other pieces' in
/// plain order, other channels' in channels-last.
template <typename T>
struct DepthwisePieces {
  Shape shape;
  TapRows rows;
  Divisor by_channels, by_pieces;
  int pieces, places;  // features of a channel, in all images
  const T* image;
  const T* features;
  TapSums* sums;  // rows x pieces

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Divisor& inner = shape.features.last ? by_channels : by_pieces;
    const int rest = inner.Remainder(i);
    i = inner.Quotient(i);
    int c, piece, row;
    if (shape.features.last) {
      c = rest;
      piece = by_pieces.Remainder(i);
      row = by_pieces.Quotient(i);
    } else {
      piece = rest;
      c = by_channels.Remainder(i);
      row = by_channels.Quotient(i);
    }
    sums[(c * rows.of_channel + row) * pieces + piece] = SumOf(c, row, piece);
  }

  CAFFE_HOST_DEVICE TapSums SumOf(int c, int row, int piece) const {
    const int down = row / rows.in_kernel_row * shape.down.dilation;
    const int tap = row % rows.in_kernel_row * TapSums::kTaps;
    const int taps = shape.right.kernel - tap;
    TapSums sum{};
    for (int place = piece; place < places; place += pieces) {
      int n = shape.features.by_width.Quotient(place);
      const int feature_x = shape.features.by_width.Remainder(place);
      const int feature_y = shape.features.by_height.Remainder(n);
      n = shape.features.by_height.Quotient(n);
      const int y = shape.down.Begin(feature_y) + down;
      if (!shape.down.Inside(y)) continue;
      const double feature = features[shape.features.Start(n, c) + feature_y * shape.features.of_y +
                                      feature_x * shape.features.of_x];
      const T* from = image + shape.image.Start(n, c) + y * shape.image.of_y;
      const int left = shape.right.Begin(feature_x) + tap * shape.right.dilation;
      for (int t = 0; t < TapSums::kTaps; ++t) {
        const int x = left + t * shape.right.dilation;
        if (t < taps && shape.right.Inside(x)) sum.sums[t] += feature * from[x * shape.image.of_x];
      }
    }
    return sum;
  }
};

struct PieceOfTaps {
  const TapSums* sums;
  int pieces;
  CAFFE_HOST_DEVICE TapSums operator()(int row, int piece) const {
    return sums[row * pieces + piece];
  }
};

template <typename Weight>
struct StoreTaps {
  int in_kernel_row, kernel;
  bool add;
  Weight* diff;
  CAFFE_HOST_DEVICE void operator()(int row, const TapSums& sum) const {
    const int tap = row % in_kernel_row * TapSums::kTaps;
    Weight* to = diff + row / in_kernel_row * kernel + tap;
    for (int t = 0; t < TapSums::kTaps && tap + t < kernel; ++t) {
      to[t] = static_cast<Weight>(sum.sums[t]) + (add ? to[t] : Weight(0));
    }
  }
};

const int kMostPiecesOfTaps = 1024;

/// How many pieces give the GPU enough to do at once: some 10^5 in all, of no less than some
/// features each. They do not depend on the GPU, so that the sums do not either.
int PiecesOf(int places, int rows) {
  return std::max(1, std::min({places / 32, (1 << 18) / rows, kMostPiecesOfTaps}));
}

/// Runs Op for all elements of its result: of several channels at once, where they lie one behind
/// the other.
template <template <typename, typename> class Op, typename T, typename Weight>
void ForUnits(const dnn::ConvolutionGeometry& g, bool channels_last, const int (&result)[2],
              const T* from, const Weight* weights, T* to) {
  const auto run = [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    using Run = Op<Weight, Unit>;
    const Shape shape(g, channels_last, Unit::kSize);
    ForElements(
        std::ptrdiff_t(g.num) * shape.channels * result[0] * result[1],
        Run{shape, reinterpret_cast<const Unit*>(from),
            reinterpret_cast<const typename Run::Weights*>(weights), reinterpret_cast<Unit*>(to)});
  };
  if (channels_last) {
    WithUnitOf<T>(g.groups, run);
  } else {
    run(static_cast<Single<T>*>(nullptr));
  }
}

}  // namespace

template <typename T, typename Weight>
void DepthwiseOnGpu<T, Weight>::ToFeatures(const T* image, const Weight* weights,
                                           T* features) const {
  ForUnits<DepthwiseFeature>(geometry_, channels_last_, geometry_.features, image, weights,
                             features);
}

template <typename T, typename Weight>
void DepthwiseOnGpu<T, Weight>::ToImage(const T* features, const Weight* weights, T* image) const {
  ForUnits<DepthwisePixel>(geometry_, channels_last_, geometry_.image, features, weights, image);
}

template <typename T, typename Weight>
void DepthwiseOnGpu<T, Weight>::ToWeights(const T* image, const T* features, bool add,
                                          Weight* diff) const {
  const Shape shape(geometry_, channels_last_);
  const TapRows rows(shape);
  const int places = geometry_.num * geometry_.features[0] * geometry_.features[1];
  const int pieces = PiecesOf(places, rows.count);
  const std::ptrdiff_t count = std::ptrdiff_t(rows.count) * pieces;
  auto* sums = static_cast<TapSums*>(DeviceScratch(Scratch::kSums, count * sizeof(TapSums)));
  ForElements(count, DepthwisePieces<T>{shape, rows, Divisor(shape.channels), Divisor(pieces),
                                        pieces, places, image, features, sums});
  // Too few pieces a row for SumRows to need the same memory.
  static_assert(kMostPiecesOfTaps <= kSumPiece, "a row's pieces are one piece of SumRows");
  SumRows<TapSums>(rows.count, pieces, PieceOfTaps{sums, pieces},
                   StoreTaps<Weight>{rows.in_kernel_row, shape.right.kernel, add, diff});
}

template class DepthwiseOnGpu<float, float>;
template class DepthwiseOnGpu<double, double>;
template class DepthwiseOnGpu<BFloat16, float>;
template class DepthwiseOnGpu<Float16, float>;

}  // namespace caffe
