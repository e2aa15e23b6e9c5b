#ifndef CAFFE_SRC_GPU_CHANNEL_LOOPS_CUH_
#define CAFFE_SRC_GPU_CHANNEL_LOOPS_CUH_

/// The two kernels for blobs with coefficients or sums for each channel, in plain and in
/// channels-last order: SumChannels and ForChannels; and both in one, ForChannelsAndSum.
///
/// They take a formula: formula.For(c) has the coefficients of channel c, and is a function of the
/// values at one place, one of each blob. Values are kept as T and handed over as Arithmetic<T>, in
/// sums of plain order as double.

#include <algorithm>
#include <cstdint>

#include "core/channel_layout.hpp"
#include "gpu/vectors.cuh"
#include "util/divisor.hpp"

namespace caffe {

/// Where the channels of outer x channels x inner elements are.
struct Channels {
  int outer, channels, inner;
  Divisor by_inner, by_channels;

  /// Of a blob in plain order, or seen so, or in channels-last order without filling.
  explicit Channels(const ChannelLayout& layout)
      : outer(layout.plain() ? layout.num : layout.num * layout.area()),
        channels(layout.channels),
        inner(layout.plain() ? layout.area() : 1),
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

/// The arrays that a formula reads: K blobs of one order.
template <typename T, int K>
struct Inputs {
  const T* of[K];

  bool aligned() const {
    return std::all_of(of, of + K, [](const T* array) { return Aligned(array); });
  }
};

/// f(x[0][i], ..., x[K - 1][i]).
template <typename Real, int K, typename Function, typename Array>
CAFFE_HOST_DEVICE auto Call(const Function& f, const Array& x, int i) {
  static_assert(K >= 1 && K <= 3, "no formula has more inputs");
  if constexpr (K == 1) {
    return f(Real(x[0][i]));
  } else if constexpr (K == 2) {
    return f(Real(x[0][i]), Real(x[1][i]));
  } else {
    return f(Real(x[0][i]), Real(x[1][i]), Real(x[2][i]));
  }
}

// ---- how threads share the rows of channels-last order ----

/// A thread has a pack of channels, in every lanes-th row from one of a piece of the rows on. A
/// block has up to kMostPacks packs beside each other.
struct ChannelColumns {
  static constexpr int kThreads = 256;
  static constexpr int kMostPacks = 32;

  int rows, packs, across, pieces;

  /// Pieces such that a thread has about that many rows. They do not depend on the GPU.
  ChannelColumns(int rows, int packs, int rows_of_thread)
      : rows(rows), packs(packs), across((packs + kMostPacks - 1) / kMostPacks) {
    const int64_t rows_of_piece = int64_t(Lanes(kThreads)) * rows_of_thread;
    pieces = Larger(1, static_cast<int>((rows + rows_of_piece - 1) / rows_of_piece));
  }

  CAFFE_HOST_DEVICE int Width(int threads) const {
    return Smaller(Smaller(packs, kMostPacks + 0), threads);
  }
  CAFFE_HOST_DEVICE int Lanes(int threads) const { return threads / Width(threads); }
  CAFFE_HOST_DEVICE int FirstRow(int piece) const {
    return static_cast<int>(std::int64_t(rows) * piece / pieces);
  }
  std::ptrdiff_t blocks() const { return std::ptrdiff_t(across) * pieces; }
};

/// Whether channels lie beside each other, in whole packs.
template <typename T, int K>
bool InColumns(const Channels& at, const Inputs<T, K>& x) {
  return at.inner == 1 && InPacks<T>(at.channels) && x.aligned();
}

// ---- sums ----

/// Sums over pieces of the rows of each of several matrices, one behind the other: store((matrix *
/// channels + channel) * pieces + piece, sum). A thread adds up its values as Arithmetic<T>, all
/// beyond is added as Sum. kKeeps: as they are kept in y.
template <bool kKeeps, typename Sum, typename T, int K, typename Formula, typename Store>
__global__ void SumColumnsKernel(const ChannelColumns columns, const Formula formula,
                                 const Inputs<T, K> x, T* y, const Store store) {
  using Real = Arithmetic<T>;
  using Partial = decltype(Call<Real, K>(formula.For(0), x.of, 0));
  constexpr int kSize = Pack<T>::kSize;
  __shared__ Partial partial[ChannelColumns::kThreads * kSize];
  const int width = columns.Width(blockDim.x), lanes = columns.Lanes(blockDim.x);
  const int t = threadIdx.x % width, lane = threadIdx.x / width;
  const int matrix = blockIdx.x / columns.across / columns.pieces;
  const int piece = blockIdx.x / columns.across % columns.pieces;
  const int end = columns.FirstRow(piece + 1);
  const std::ptrdiff_t origin = std::ptrdiff_t(matrix) * columns.rows * columns.packs;
  int first = blockIdx.x % columns.across * width;
  for (; first < columns.packs; first += columns.across * width) {
    if (lane < lanes) {
      Partial sums[kSize] = {};
      if (first + t < columns.packs) {
        using Function = decltype(formula.For(0));
        Function f[kSize];
        for (int j = 0; j < kSize; ++j) f[j] = formula.For((first + t) * kSize + j);
        CAFFE_UNROLL(4)
        for (int row = columns.FirstRow(piece) + lane; row < end; row += lanes) {
          const std::ptrdiff_t i =
              (origin + std::ptrdiff_t(row) * columns.packs + first + t) * kSize;
          Pack<T> values[K];
          for (int k = 0; k < K; ++k) values[k] = LoadPack(x.of[k] + i);
          if constexpr (kKeeps) {
            Pack<T> kept;
            for (int j = 0; j < kSize; ++j) kept[j] = Call<Real, K>(f[j], values, j);
            StorePack(kept, y + i);
            for (int j = 0; j < kSize; ++j) sums[j] += Real(kept[j]);
          } else {
            for (int j = 0; j < kSize; ++j) sums[j] += Call<Real, K>(f[j], values, j);
          }
        }
      }
      for (int j = 0; j < kSize; ++j) partial[(lane * kSize + j) * width + t] = sums[j];
    }
    __syncthreads();
    for (int k = threadIdx.x; k < width * kSize; k += blockDim.x) {
      Sum sum{};
      for (int l = 0; l < lanes; ++l) sum += partial[l * kSize * width + k];
      const int pack = first + k % width;
      if (pack < columns.packs) {
        const int row = (matrix * columns.packs + pack) * kSize + k / width;
        store(row * columns.pieces + piece, sum);
      }
    }
    __syncthreads();
  }
}

/// Elements of channels in plain order as SumRows takes them, a unit (Pack or Single) each.
template <bool kKeeps, typename Unit, typename T, int K, typename Formula>
struct TermOfChannel {
  Channels at;  // of units
  Formula formula;
  Inputs<T, K> x;
  T* y;
  CAFFE_HOST_DEVICE auto operator()(int c, int i) const {
    const int k = at.At(c, i);
    const auto f = formula.For(c);
    Unit values[K];
    for (int m = 0; m < K; ++m) values[m] = reinterpret_cast<const Unit*>(x.of[m])[k];
    if constexpr (kKeeps) {
      Unit kept;
      for (int j = 0; j < Unit::kSize; ++j) kept[j] = Call<Arithmetic<T>, K>(f, values, j);
      reinterpret_cast<Unit*>(y)[k] = kept;
      double sum = 0;
      for (int j = 0; j < Unit::kSize; ++j) sum += double(kept[j]);
      return sum;
    } else {
      auto sum = Call<double, K>(f, values, 0);
      for (int j = 1; j < Unit::kSize; ++j) sum += Call<double, K>(f, values, j);
      return sum;
    }
  }
};

/// Calls use(unit, the channels as units): of packs, where channels in plain order consist of such
/// and the arrays are aligned. Values of 16 bits are always InColumns.
template <typename T, typename Use>
void InUnits(const Channels& at, bool aligned, const Use& use) {
  WithUnitOfBlob<T>(at.inner, aligned, [&](auto* unit) {
    const int size = std::remove_pointer_t<decltype(unit)>::kSize;
    use(unit, Channels({at.outer, at.channels, at.inner / size, 1, 1}));
  });
}

/// The sums of the columns of matrices one behind the other: store(matrix * channels + channel,
/// sum).
template <typename Sum, bool kKeeps = false, typename T, int K, typename Formula, typename Store>
void SumColumns(int matrices, int rows, int channels, const Formula& formula, const Inputs<T, K>& x,
                const Store& store, T* y = nullptr) {
  constexpr int kLeastRows = 8, kMostRows = 32, kBlocks = 512;  // kMostRows: see SumChannels
  const int packs = channels / Pack<T>::kSize;
  if (matrices == 0 || packs == 0) return;
  const std::ptrdiff_t blocks = matrices * ChannelColumns(rows, packs, kLeastRows).blocks();
  const std::ptrdiff_t fitting = kLeastRows * blocks / kBlocks;
  const ChannelColumns columns(
      rows, packs, std::clamp(static_cast<int>(fitting), kLeastRows + 0, kMostRows + 0));
  if (columns.pieces == 1) {
    Launch(SumColumnsKernel<kKeeps, Sum, T, K, Formula, Store>, matrices * columns.blocks(),
           ChannelColumns::kThreads, columns, formula, x, y, store);
    return;
  }
  const std::ptrdiff_t pieces = std::ptrdiff_t(matrices) * channels * columns.pieces;
  Sum* sums = static_cast<Sum*>(DeviceScratch(Scratch::kSums, pieces * sizeof(Sum)));
  Launch(SumColumnsKernel<kKeeps, Sum, T, K, Formula, StorePiece<Sum>>, matrices * columns.blocks(),
         ChannelColumns::kThreads, columns, formula, x, y, StorePiece<Sum>{sums});
  Launch(SumPiecesKernel<Sum, PieceOfRow<Sum>, Store>, std::ptrdiff_t(matrices) * channels,
         kSumThreads, columns.pieces, 1, PieceOfRow<Sum>{sums, columns.pieces}, store);
}

/// SumChannels, or ForChannelsAndSum.
template <typename Sum, bool kKeeps, typename T, int K, typename Formula, typename Store>
void SumInputs(const Channels& at, const Formula& formula, const Inputs<T, K>& x, T* y,
               const Store& store) {
  if ((sizeof(T) == 2 || at.length() > kShortRow) && Aligned(y) && InColumns(at, x)) {
    return SumColumns<Sum, kKeeps>(1, at.outer, at.channels, formula, x, store, y);
  }
  InUnits<T>(at, Aligned(y) && x.aligned(), [&](auto* unit, const Channels& units) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    SumRows<Sum>(at.channels, units.length(),
                 TermOfChannel<kKeeps, Unit, T, K, Formula>{units, formula, x, y}, store);
  });
}

/// For every channel c, store(c, the sum of the formula's values over all places), as SumRows. The
/// formula's values are numbers or TwoSumsOf; Sum is double or derived from TwoSums. Equal inputs
/// give equal bits.
///
/// In channels-last order a thread adds some dozens of values in float before it goes on in double:
/// their rounding errors, a few units in a float's last place, are lost in the mean over threads.
template <typename Sum = double, typename T, typename Formula, typename Store, typename... More>
void SumChannels(const Channels& at, const Formula& formula, const Store& store, const T* x,
                 const More*... more) {
  SumInputs<Sum, false>(at, formula, Inputs<T, 1 + sizeof...(More)>{{x, more...}},
                        static_cast<T*>(nullptr), store);
}

// ---- formulas ----

template <typename T, int K, typename Formula>
__global__ void MapColumnsKernel(const ChannelColumns columns, const Formula formula,
                                 const Inputs<T, K> x, T* y) {
  using Real = Arithmetic<T>;
  constexpr int kSize = Pack<T>::kSize;
  const int width = columns.Width(blockDim.x), lanes = columns.Lanes(blockDim.x);
  const int lane = threadIdx.x / width;
  if (lane >= lanes) return;
  const int piece = blockIdx.x / columns.across;
  const int end = columns.FirstRow(piece + 1);
  int pack = blockIdx.x % columns.across * width + threadIdx.x % width;
  for (; pack < columns.packs; pack += columns.across * width) {
    decltype(formula.For(0)) f[kSize];
    for (int j = 0; j < kSize; ++j) f[j] = formula.For(pack * kSize + j);
    CAFFE_UNROLL(2)
    for (int row = columns.FirstRow(piece) + lane; row < end; row += lanes) {
      const std::ptrdiff_t i = (std::ptrdiff_t(row) * columns.packs + pack) * kSize;
      Pack<T> values[K], result;
      for (int k = 0; k < K; ++k) values[k] = LoadPack(x.of[k] + i);
      for (int j = 0; j < kSize; ++j) result[j] = Call<Real, K>(f[j], values, j);
      StorePack(result, y + i);
    }
  }
}

/// Element i: unit i of blobs in plain order.
template <typename Unit, typename T, int K, typename Formula>
struct MapUnits {
  Channels at;  // of units
  Formula formula;
  Inputs<T, K> x;
  T* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const auto f = formula.For(at.ChannelOf(i));
    Unit values[K], result;
    for (int k = 0; k < K; ++k) values[k] = reinterpret_cast<const Unit*>(x.of[k])[i];
    for (int j = 0; j < Unit::kSize; ++j) result[j] = Call<Arithmetic<T>, K>(f, values, j);
    reinterpret_cast<Unit*>(y)[i] = result;
  }
};

/// y = the formula of x and of what else it takes, at all places. y may be one of them.
template <typename T, typename Formula, typename... More>
void ForChannels(const Channels& at, const Formula& formula, T* y, const T* x,
                 const More*... more) {
  if (at.count() == 0) return;
  constexpr int K = 1 + sizeof...(More);
  constexpr int kRows = 8;
  const Inputs<T, K> inputs = {{x, more...}};
  if (Aligned(y) && InColumns(at, inputs)) {
    const ChannelColumns columns(at.outer, at.channels / Pack<T>::kSize, kRows);
    Launch(MapColumnsKernel<T, K, Formula>, columns.blocks(), ChannelColumns::kThreads, columns,
           formula, inputs, y);
    return;
  }
  InUnits<T>(at, Aligned(y) && inputs.aligned(), [&](auto* unit, const Channels& units) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    ForElements(units.count(), MapUnits<Unit, T, K, Formula>{units, formula, inputs, y});
  });
}

/// y = the formula of x and of what else it takes, and store(c, the sum of y over channel c), as
/// SumChannels, in one pass. y may be one of them.
template <typename T, typename Formula, typename Store, typename... More>
void ForChannelsAndSum(const Channels& at, const Formula& formula, T* y, const Store& store,
                       const T* x, const More*... more) {
  SumInputs<double, true>(at, formula, Inputs<T, 1 + sizeof...(More)>{{x, more...}}, y, store);
}

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_CHANNEL_LOOPS_CUH_
