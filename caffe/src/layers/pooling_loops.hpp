#ifndef CAFFE_SRC_LAYERS_POOLING_LOOPS_HPP_
#define CAFFE_SRC_LAYERS_POOLING_LOOPS_HPP_

/// Loops of the pooling kernels on the host.

#include <cstdint>
#include <type_traits>

#include "caffe/util/parallel_for.hpp"
#include "layers/pooling_kernels.hpp"
#include "layers/window_places.hpp"
#include "util/simd.hpp"

namespace caffe {

/// Rows of outputs [first, last) of one plane.
struct Rows {
  int first, last;
};

/// A loop over the outputs of some rows of one plane: body(output, its row and column, rows [h0,
/// h1) and columns [w0, w1) of its window).
template <typename Body>
inline void EachWindow(const PoolWindows& windows, const Rows& rows, const Body& body) {
  std::ptrdiff_t output = std::ptrdiff_t(rows.first) * windows.w.out;
  for (int oh = rows.first; oh < rows.last; ++oh) {
    const int h0 = windows.h.Begin(oh), h1 = windows.h.End(oh);
    for (int ow = 0; ow < windows.w.out; ++ow, ++output) {
      body(output, oh, ow, h0, h1, windows.w.Begin(ow), windows.w.End(ow));
    }
  }
}

/// Calls kernel(plane, rows) for all rows of outputs, on several threads. Channels-last images are
/// one plane each.
template <typename Kernel>
void EachRows(const ChannelLayout& layout, const PoolWindows& windows, const Kernel& kernel) {
  const int rows = windows.h.out;
  const std::ptrdiff_t work = layout.plane_size() / std::max(1, rows);
  ParallelFor(layout.planes() * rows, 1 + kElementwiseGrain / 4 / std::max<std::ptrdiff_t>(1, work),
              [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (int count; begin < end; begin += count) {
                  const int first = static_cast<int>(begin % rows);
                  count = static_cast<int>(std::min<std::ptrdiff_t>(rows - first, end - begin));
                  kernel(begin / rows, Rows{first, first + count});
                }
              });
}

/// Whether the kernels of lanes can be used.
inline bool InLanes(const ChannelLayout& layout) { return layout.block % kLanes == 0; }

// ---- the places of maxima: how they are numbered, and kept ----

/// In the plane; kept as Dtype.
template <typename Dtype>
struct InPlane {
  using Value = Dtype;
  static constexpr bool rectifies = false;
  int width;

  explicit InPlane(const PoolWindows& windows) : width(windows.w.in) {}
  /// The first one of row h of a window that begins at (h0, w0).
  int FirstOfRow(int h, int /*h0*/, int w0) const { return h * width + w0; }
};

/// In the window; kept as bytes. `rectifies`: as kNoPlace where the maximum is not positive.
template <typename Dtype>
struct InWindow {
  using Value = Dtype;
  int kernel;
  bool rectifies;

  explicit InWindow(const PoolWindows& windows, bool rectifies = false)
      : kernel(windows.w.kernel), rectifies(rectifies) {}
  int FirstOfRow(int h, int h0, int /*w0*/) const { return (h - h0) * kernel; }
};

typedef std::uint8_t ByteLanes __attribute__((vector_size(kLanes), aligned(1), may_alias));

}  // namespace caffe

// Macros, as those of simd.hpp, for places that are kept as bytes or as the values of the Vector
// that has this name where they are used.
#define CAFFE_LOAD_PLACES(from, to)                                                             \
  do {                                                                                          \
    const auto* const places_from = (from);                                                     \
    if constexpr (sizeof(*places_from) == 1) {                                                  \
      (to) = __builtin_convertvector(*reinterpret_cast<const ByteLanes*>(places_from), Vector); \
    } else {                                                                                    \
      (to) = Lanes<typename std::decay<decltype(*places_from)>::type>::At(places_from);         \
    }                                                                                           \
  } while (0)

#define CAFFE_STORE_PLACES(from, to)                                                       \
  do {                                                                                     \
    auto* const places_to = (to);                                                          \
    if constexpr (sizeof(*places_to) == 1) {                                               \
      *reinterpret_cast<ByteLanes*>(places_to) = __builtin_convertvector(from, ByteLanes); \
    } else {                                                                               \
      Lanes<typename std::decay<decltype(*places_to)>::type>::At(places_to) = (from);      \
    }                                                                                      \
  } while (0)

namespace caffe {

// ---- kernels for rows of one plane, with blocks of any multiple of kLanes channels ----

/// y (or null) = the maximum of each window of x, and with kWhere its place.
template <bool kWhere, typename Places, typename T, typename Kept>
static CAFFE_SIMD_CLONES void MaxOfLanes(const PoolWindows& windows, const Rows& rows,
                                         const Places& places, const std::ptrdiff_t block,
                                         const T* x, T* y, Kept* where) {
  using Dtype = typename Places::Value;
  using Vector = typename Lanes<Dtype>::Vector;
  const int width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (std::ptrdiff_t lane = 0; lane < block; lane += kLanes) {
      Vector best;
      CAFFE_LOAD_LANES(x + (h0 * width + w0) * block + lane, best);
      Vector best_place = Dtype(places.FirstOfRow(h0, h0, w0)) - Vector{};
      for (int h = h0; h < h1; ++h) {
        Dtype place = places.FirstOfRow(h, h0, w0);
        for (int w = w0; w < w1; ++w, place += 1) {
          Vector value;
          CAFFE_LOAD_LANES(x + (h * width + w) * block + lane, value);
          const auto better = value > best;
          best = better ? value : best;
          if (kWhere) best_place = better ? place - Vector{} : best_place;
        }
      }
      if (kWhere && places.rectifies) {
        best_place = best > Vector{} ? best_place : Dtype(kNoPlace) - Vector{};
      }
      if (y) CAFFE_STORE_LANES(best, y + o * block + lane);
      if (kWhere) CAFFE_STORE_PLACES(best_place, where + o * block + lane);
    }
  });
}

/// The same for blocks of any number of channels; y and where may be null.
template <typename Places, typename T, typename Kept>
void MaxOfRows(const PoolWindows& windows, const Rows& rows, const Places& places, int block,
               const T* x, T* y, Kept* where) {
  const int width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (int lane = 0; lane < block; ++lane) {
      T best = x[std::ptrdiff_t(h0 * width + w0) * block + lane];
      int best_place = places.FirstOfRow(h0, h0, w0);
      for (int h = h0; h < h1; ++h) {
        int place = places.FirstOfRow(h, h0, w0);
        for (int i = h * width + w0; i < h * width + w1; ++i, ++place) {
          const T value = x[std::ptrdiff_t(i) * block + lane];
          if (!(value > best)) continue;
          best = value;
          best_place = place;
        }
      }
      if (places.rectifies && !(best > T(0))) best_place = kNoPlace;
      if (y) y[o * block + lane] = best;
      if (where) where[o * block + lane] = static_cast<Kept>(best_place);
    }
  });
}

/// For windows that tile the plane: each window of `large` becomes the value of `small` at its
/// place, and 0 elsewhere.
template <typename Places, typename T, typename Kept>
static CAFFE_SIMD_CLONES void FillOfLanes(const PoolWindows& windows, const Rows& rows,
                                          const Places& places, const std::ptrdiff_t block,
                                          const T* small, const Kept* where, T* large) {
  using Dtype = typename Places::Value;
  using Vector = typename Lanes<Dtype>::Vector;
  const int width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (std::ptrdiff_t lane = 0; lane < block; lane += kLanes) {
      Vector value, chosen;
      CAFFE_LOAD_LANES(small + o * block + lane, value);
      CAFFE_LOAD_PLACES(where + o * block + lane, chosen);
      for (int h = h0; h < h1; ++h) {
        Dtype place = places.FirstOfRow(h, h0, w0);
        for (int w = w0; w < w1; ++w, place += 1) {
          const Vector filled = chosen == (place - Vector{}) ? value : Vector{};
          CAFFE_STORE_LANES(filled, large + (h * width + w) * block + lane);
        }
      }
    }
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_POOLING_LOOPS_HPP_
