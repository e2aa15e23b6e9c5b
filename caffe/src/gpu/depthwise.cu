#include <algorithm>

#include "gpu/depthwise.hpp"
#include "gpu/taps.cuh"
#include "gpu/vectors.cuh"
#include "util/float16.hpp"

namespace caffe {

namespace {

// ---- features, and images ----

/// sum += a * b, one by one.
template <typename Weight, int size, typename Unit>
CAFFE_HOST_DEVICE void AddProduct(const Pack<Weight, size>& a, const Unit& b,
                                  Pack<Weight, size>* sum) {
  for (int k = 0; k < size; ++k) (*sum)[k] += a[k] * Weight(b[k]);
}

/// What a thread has of the results: a unit of channels, of kResults columns that see their sources
/// under the same taps. A weight is read once for all of them, and their sources are on the way
/// together. Neighbouring threads have neighbouring columns.
template <int kResults, typename Axis>
struct Columns {
  Axis down, right;
  ImageOrder threads, sources, results;
  /// From a thread's column to its next one, and from what the one sees to what the other does.
  int apart, shift;
  /// From a unit's weight to that of the next channel, and of the next tap.
  int of_channel, of_tap;

  Columns(const ConvolutionGeometry& g, int units, bool channels_last)
      : down(g, 0),
        right(g, 1),
        threads(units, down.results, ColumnsOfThreads(right), channels_last),
        sources(units, down.sources, right.sources, channels_last),
        results(units, down.results, right.results, channels_last),
        apart(threads.width),
        shift(threads.width / right.apart * right.shift),
        of_channel(channels_last ? 1 : down.kernel * right.kernel),
        of_tap(channels_last ? units : 1) {}

  std::ptrdiff_t count(int num) const { return std::ptrdiff_t(num) * threads.of_n; }

 private:
  static int ColumnsOfThreads(const TapAxis& axis) {
    const int alike = (axis.results + axis.apart - 1) / axis.apart;
    return (alike + kResults - 1) / kResults * axis.apart;
  }
};

template <int kResults, typename Axis, typename Weight, typename Unit>
struct DepthwiseColumns {
  using Weights = Pack<Weight, Unit::kSize>;
  using Value = std::decay_t<decltype(Unit()[0])>;

  Columns<kResults, Axis> columns;
  const Unit* from;
  const Weights* weights;
  Unit* to;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const ImageOrder::Place place = columns.threads.At(i);
    const Weights* weight = weights + place.c * columns.of_channel;
    Weights sums[kResults] = {};
    const Axis& down = columns.down;
    const Tap right = columns.right.First(place.x);
    for (Tap tap = down.First(place.y); tap.tap < down.kernel; down.Next(&tap)) {
      if (!down.Inside(tap.at)) continue;
      AddRow(weight + tap.tap * columns.right.kernel * columns.of_tap,
             from + columns.sources.Start(place.n, place.c) + tap.at * columns.sources.of_y, right,
             sums);
    }
    Unit* result = to + columns.results.Start(place.n, place.c) + place.y * columns.results.of_y;
    for (int r = 0; r < kResults; ++r) {
      const int x = place.x + r * columns.apart;
      if (x < columns.right.results) {
        result[x * columns.results.of_x] = sums[r].template As<Value>();
      }
    }
  }

  /// The taps of one row of the kernel.
  CAFFE_HOST_DEVICE void AddRow(const Weights* weight, const Unit* row, Tap tap,
                                Weights (&sums)[kResults]) const {
    const Axis& right = columns.right;
    for (; tap.tap < right.kernel; right.Next(&tap)) {
      Unit seen[kResults];
      for (int r = 0; r < kResults; ++r) {
        const int at = tap.at + r * columns.shift;
        seen[r] = right.Inside(at) ? row[at * columns.sources.of_x] : Unit{};
      }
      const Weights factor = weight[tap.tap * columns.of_tap];
      for (int r = 0; r < kResults; ++r) AddProduct(factor, seen[r], &sums[r]);
    }
  }
};

/// Calls use(unit) with a null pointer to what a thread has of a pixel: several channels, where
/// they lie one behind the other.
template <typename T, typename Use>
void WithUnits(int channels, bool channels_last, const Use& use) {
  WithUnit<T>(channels_last && InPacks<T>(channels), use);
}

/// All results of a product.
template <typename Axis, typename T, typename Weight>
void ForResults(const ConvolutionGeometry& g, bool channels_last, const T* from,
                const Weight* weights, T* to) {
  // Results of a thread, and the threads that the largest GPUs want to have at once.
  constexpr int kMany = 4, kThreads = 1 << 18;
  WithUnits<T>(g.groups, channels_last, [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const int units = g.groups / Unit::kSize;
    const auto run = [&](auto results) {
      constexpr int kResults = decltype(results)::value;
      using Run = DepthwiseColumns<kResults, Axis, Weight, Unit>;
      const Columns<kResults, Axis> columns(g, units, channels_last);
      ForElements(columns.count(g.num),
                  Run{columns, AsUnits<Unit>(from), AsUnits<typename Run::Weights>(weights),
                      AsUnits<Unit>(to)});
    };
    if (Columns<1, Axis>(g, units, channels_last).count(g.num) < kMany * kThreads) {
      run(std::integral_constant<int, 1>());
    } else {
      run(std::integral_constant<int, kMany>());
    }
  });
}

// ---- the weights' diff ----

/// Sums of some taps that lie one behind the other in a row of the kernel: what they see does too.
struct alignas(16) TapSums {
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

  explicit TapRows(const ConvolutionGeometry& g)
      : in_kernel_row((g.kernel[1] + TapSums::kTaps - 1) / TapSums::kTaps),
        of_channel(in_kernel_row * g.kernel[0]),
        count(of_channel * g.groups) {}
};

/// Element i: for a unit of channels the sums of one row of taps, over one of the pieces that the
/// features are cut into. The elements of a piece lie far apart, so that neighbours read
/// neighbours: other pieces' in plain order, other channels' in channels-last.
template <typename Weight, typename Unit>
struct DepthwisePieces {
  static constexpr int kSize = Unit::kSize, kTaps = TapSums::kTaps;
  /// So many products are added up as Weight, before a thread goes on in double.
  static constexpr int kAtOnce = 64;
  using Sums = Pack<Weight, kSize>;

  AxisOfFeatures down, right;
  ImageOrder image, features;
  TapRows rows;
  Divisor by_units, by_pieces;
  int pieces, places;  // features of a channel, in all images
  const Unit* of_image;
  const Unit* of_features;
  TapSums* sums;  // rows x pieces

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Divisor& inner = features.last ? by_units : by_pieces;
    const Divisor& outer = features.last ? by_pieces : by_units;
    const int rest = inner.Remainder(i);
    i = inner.Quotient(i);
    const int other = outer.Remainder(i), row = outer.Quotient(i);
    const int unit = features.last ? rest : other, piece = features.last ? other : rest;
    TapSums totals[kSize] = {};
    for (int place = piece; place < places;) {
      Sums some[kTaps] = {};
      for (int k = 0; k < kAtOnce && place < places; ++k, place += pieces) {
        AddPlace(unit, row, place, some);
      }
      for (int j = 0; j < kSize; ++j) {
        for (int t = 0; t < kTaps; ++t) totals[j].sums[t] += some[t][j];
      }
    }
    for (int j = 0; j < kSize; ++j) {
      sums[((unit * kSize + j) * rows.of_channel + row) * pieces + piece] = totals[j];
    }
  }

  CAFFE_HOST_DEVICE void AddPlace(int unit, int row, int place, Sums (&to)[kTaps]) const {
    const int feature_x = features.by_width.Remainder(place);
    const int line = features.by_width.Quotient(place);
    const int feature_y = features.by_height.Remainder(line);
    const int n = features.by_height.Quotient(line);
    const int y = down.First(feature_y).at + row / rows.in_kernel_row * down.at_step;
    if (!down.Inside(y)) return;
    const int tap = row % rows.in_kernel_row * kTaps;
    const int left = right.First(feature_x).at + tap * right.at_step;
    const Unit* from = of_image + image.Start(n, unit) + y * image.of_y;
    const Unit feature = of_features[features.Start(n, unit) + feature_y * features.of_y +
                                     feature_x * features.of_x];
    Unit seen[kTaps];
    for (int t = 0; t < kTaps; ++t) {
      const int x = left + t * right.at_step;
      seen[t] = tap + t < right.kernel && right.Inside(x) ? from[x * image.of_x] : Unit{};
    }
    const Sums factor = feature.template As<Weight>();
    for (int t = 0; t < kTaps; ++t) AddProduct(factor, seen[t], &to[t]);
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

/// How many pieces give the GPU enough to do at once: up to 2^19 sums in all, of no less than some
/// features each. They do not depend on the GPU, so that the sums do not either.
int PiecesOf(int places, int rows) {
  return std::max(1, std::min({places / 32, (1 << 19) / rows, kMostPiecesOfTaps}));
}

}  // namespace

template <typename T, typename Weight>
void DepthwiseOnGpu<T, Weight>::ToFeatures(const T* image, const Weight* weights,
                                           T* features) const {
  ForResults<AxisOfFeatures>(geometry_, channels_last_, image, weights, features);
}

template <typename T, typename Weight>
void DepthwiseOnGpu<T, Weight>::ToImage(const T* features, const Weight* weights, T* image) const {
  ForResults<AxisOfPixels>(geometry_, channels_last_, features, weights, image);
}

template <typename T, typename Weight>
void DepthwiseOnGpu<T, Weight>::ToWeights(const T* image, const T* features, bool add,
                                          Weight* diff) const {
  const ConvolutionGeometry& g = geometry_;
  const TapRows rows(g);
  const int places = g.num * g.features[0] * g.features[1];
  const int pieces = PiecesOf(places, rows.count);
  const std::ptrdiff_t count = std::ptrdiff_t(rows.count) * pieces;
  auto* sums = static_cast<TapSums*>(DeviceScratch(Scratch::kSums, count * sizeof(TapSums)));
  WithUnits<T>(g.groups, channels_last_, [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const int units = g.groups / Unit::kSize;
    ForElements(count / Unit::kSize,
                DepthwisePieces<Weight, Unit>{{g, 0},
                                              {g, 1},
                                              {units, g.image[0], g.image[1], channels_last_},
                                              {units, g.features[0], g.features[1], channels_last_},
                                              rows,
                                              Divisor(units),
                                              Divisor(pieces),
                                              pieces,
                                              places,
                                              AsUnits<Unit>(image),
                                              AsUnits<Unit>(features),
                                              sums});
  });
  // Too few pieces a row for SumRows to need the same memory.
  static_assert(kMostPiecesOfTaps <= kSumPiece, "a row's pieces are one piece of SumRows");
  SumRows<TapSums>(rows.count, pieces, PieceOfRow<TapSums>{sums, pieces},
                   StoreTaps<Weight>{rows.in_kernel_row, g.kernel[1], add, diff});
}

template class DepthwiseOnGpu<float, float>;
template class DepthwiseOnGpu<double, double>;
template class DepthwiseOnGpu<BFloat16, float>;
template class DepthwiseOnGpu<Float16, float>;

}  // namespace caffe
