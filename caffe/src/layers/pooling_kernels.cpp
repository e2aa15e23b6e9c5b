#include "layers/pooling_kernels.hpp"

#include "layers/pooling_loops.hpp"
#include "util/rows.hpp"

namespace caffe {

namespace {

// Calls kernel(plane) for all planes, on several threads.
template <typename Kernel>
void EachPlane(const ChannelLayout& layout, const Kernel& kernel) {
  ForRows(layout.planes(), 4 * layout.plane_size(), kernel);
}

// ---- rows of one plane, as in pooling_loops.hpp ----

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void TilesBackwardOfLanes(const PoolWindows& windows, const Rows& rows,
                                            const std::ptrdiff_t block, const T* x, const T* dy,
                                            T* dx) {
  using Vector = typename Lanes<Dtype>::Vector;
  const int width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (std::ptrdiff_t lane = 0; lane < block; lane += kLanes) {
      Vector best, diff;
      CAFFE_LOAD_LANES(x + (h0 * width + w0) * block + lane, best);
      CAFFE_LOAD_LANES(dy + o * block + lane, diff);
      for (int h = h0; h < h1; ++h) {
        for (int i = h * width + w0; i < h * width + w1; ++i) {
          Vector value;
          CAFFE_LOAD_LANES(x + i * block + lane, value);
          best = value > best ? value : best;
        }
      }
      // What is left of the diff after the first place that has the maximum is 0.
      for (int h = h0; h < h1; ++h) {
        for (int i = h * width + w0; i < h * width + w1; ++i) {
          Vector value;
          CAFFE_LOAD_LANES(x + i * block + lane, value);
          const auto chosen = value == best;
          CAFFE_STORE_LANES(chosen ? diff : Vector{}, dx + i * block + lane);
          diff = chosen ? Vector{} : diff;
        }
      }
    }
  });
}

template <typename T>
void TilesBackward(const PoolWindows& windows, const Rows& rows, int block, const T* x, const T* dy,
                   T* dx) {
  const std::ptrdiff_t width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (int lane = 0; lane < block; ++lane) {
      std::ptrdiff_t best = (h0 * width + w0) * block + lane;
      for (int h = h0; h < h1; ++h) {
        for (std::ptrdiff_t i = h * width + w0; i < h * width + w1; ++i) {
          dx[i * block + lane] = 0;
          if (x[i * block + lane] > x[best]) best = i * block + lane;
        }
      }
      dx[best] = dy[o * block + lane];
    }
  });
}

template <typename Dtype, typename T>
void PlacesBackward(const ChannelLayout& bottom, std::ptrdiff_t outputs, const T* dy,
                    const Dtype* where, T* dx) {
  std::fill(dx, dx + bottom.plane_size(), T(0));
  for (std::ptrdiff_t o = 0; o < outputs; ++o) {
    for (int lane = 0; lane < bottom.block; ++lane) {
      const std::ptrdiff_t i = o * bottom.block + lane;
      T& sum = dx[static_cast<std::ptrdiff_t>(where[i]) * bottom.block + lane];
      sum = Dtype(sum) + Dtype(dy[i]);
    }
  }
}

template <typename Dtype>
inline Dtype SumOfPart(const Dtype* values, std::ptrdiff_t n) {
  Dtype sum = 0;
  if (n < kLanes) {
    for (std::ptrdiff_t i = 0; i < n; ++i) sum += values[i];
    return sum;
  }
#pragma omp simd reduction(+ : sum)
  for (std::ptrdiff_t i = 0; i < n; ++i) sum += values[i];
  return sum;
}

template <typename Dtype>
CAFFE_SIMD_CLONES void AverageOfPlane(const PoolWindows& windows, const Rows& rows, const Dtype* x,
                                      Dtype* y) {
  const std::ptrdiff_t width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int oh, int ow, int h0, int h1, int w0, int w1) {
    // Whole rows follow each other.
    const bool whole = w1 - w0 == width;
    const std::ptrdiff_t pieces = whole ? 1 : h1 - h0;
    const std::ptrdiff_t length = whole ? (h1 - h0) * width : w1 - w0;
    Dtype sum = 0;
    for (std::ptrdiff_t piece = 0; piece < pieces; ++piece) {
      sum += SumOfPart(x + (h0 + piece) * width + w0, length);
    }
    y[o] = sum / (windows.h.PaddedLength(oh) * windows.w.PaddedLength(ow));
  });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void AverageOfBlocks(const PoolWindows& windows, const Rows& rows,
                                       const std::ptrdiff_t block, const Dtype* x, Dtype* y) {
  const int width = windows.w.in;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int oh, int ow, int h0, int h1, int w0, int w1) {
    Dtype* sums = y + o * block;
    std::fill(sums, sums + block, Dtype(0));
    for (int h = h0; h < h1; ++h) {
      for (int i = h * width + w0; i < h * width + w1; ++i) {
        const Dtype* values = x + i * block;
#pragma omp simd
        for (std::ptrdiff_t lane = 0; lane < block; ++lane) sums[lane] += values[lane];
      }
    }
    const Dtype count = windows.h.PaddedLength(oh) * windows.w.PaddedLength(ow);
#pragma omp simd
    for (std::ptrdiff_t lane = 0; lane < block; ++lane) sums[lane] /= count;
  });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void SpreadOverPlane(const PoolWindows& windows, const Dtype* dy, Dtype* dx) {
  const int width = windows.w.in;
  EachWindow(windows, {0, windows.h.out},
             [=](std::ptrdiff_t o, int oh, int ow, int h0, int h1, int w0, int w1) {
               const Dtype part = dy[o] / (windows.h.PaddedLength(oh) * windows.w.PaddedLength(ow));
               for (int h = h0; h < h1; ++h) {
#pragma omp simd
                 for (int i = h * width + w0; i < h * width + w1; ++i) dx[i] += part;
               }
             });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void SpreadOverBlocks(const PoolWindows& windows, const std::ptrdiff_t block,
                                        const Dtype* dy, Dtype* dx) {
  const int width = windows.w.in;
  EachWindow(windows, {0, windows.h.out},
             [=](std::ptrdiff_t o, int oh, int ow, int h0, int h1, int w0, int w1) {
               const Dtype count = windows.h.PaddedLength(oh) * windows.w.PaddedLength(ow);
               const Dtype* diffs = dy + o * block;
               for (int h = h0; h < h1; ++h) {
                 for (int i = h * width + w0; i < h * width + w1; ++i) {
                   Dtype* sums = dx + i * block;
#pragma omp simd
                   for (std::ptrdiff_t lane = 0; lane < block; ++lane) {
                     sums[lane] += diffs[lane] / count;
                   }
                 }
               }
             });
}

std::ptrdiff_t OutputsOfPlane(const ChannelLayout& bottom, const PoolWindows& windows) {
  return std::ptrdiff_t(windows.h.out) * windows.w.out * bottom.block;
}

}  // namespace

template <typename Dtype, typename T>
void MaxPool(const ChannelLayout& bottom, const PoolWindows& windows, const T* x, T* y,
             Dtype* where) {
  const std::ptrdiff_t outputs = OutputsOfPlane(bottom, windows);
  EachRows(bottom, windows, [&](std::ptrdiff_t p, const Rows& rows) {
    const T* from = x + p * bottom.plane_size();
    T* maxima = y ? y + p * outputs : nullptr;
    Dtype* places = where ? where + p * outputs : nullptr;
    if (!InLanes(bottom)) {
      MaxOfRows(windows, rows, InPlane<Dtype>(windows), bottom.block, from, maxima, places);
    } else if (where) {
      MaxOfLanes<true>(windows, rows, InPlane<Dtype>(windows), bottom.block, from, maxima, places);
    } else {
      MaxOfLanes<false>(windows, rows, InPlane<Dtype>(windows), bottom.block, from, maxima, places);
    }
  });
}

template <typename Dtype, typename T>
void MaxPoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const T* dy,
                     const Dtype* where, T* dx) {
  const std::ptrdiff_t outputs = OutputsOfPlane(bottom, windows);
  if (windows.Tile() && InLanes(bottom)) {
    EachRows(bottom, windows, [&](std::ptrdiff_t p, const Rows& rows) {
      FillOfLanes(windows, rows, InPlane<Dtype>(windows), bottom.block, dy + p * outputs,
                  where + p * outputs, dx + p * bottom.plane_size());
    });
    return;
  }
  EachPlane(bottom, [&](std::ptrdiff_t p) {
    PlacesBackward(bottom, outputs / bottom.block, dy + p * outputs, where + p * outputs,
                   dx + p * bottom.plane_size());
  });
}

template <typename Dtype, typename T>
void MaxPoolBackwardOfTiles(const ChannelLayout& layout, const PoolWindows& windows, const T* x,
                            const T* dy, T* dx) {
  const std::ptrdiff_t outputs = OutputsOfPlane(layout, windows);
  EachRows(layout, windows, [&](std::ptrdiff_t p, const Rows& rows) {
    const std::ptrdiff_t first = p * layout.plane_size();
    const T* diff = dy + p * outputs;
    if (InLanes(layout)) {
      TilesBackwardOfLanes<Dtype>(windows, rows, layout.block, x + first, diff, dx + first);
    } else {
      TilesBackward(windows, rows, layout.block, x + first, diff, dx + first);
    }
  });
}

template <typename Dtype>
void AveragePool(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* x,
                 Dtype* y) {
  const std::ptrdiff_t outputs = OutputsOfPlane(bottom, windows);
  EachRows(bottom, windows, [&](std::ptrdiff_t p, const Rows& rows) {
    const Dtype* from = x + p * bottom.plane_size();
    if (bottom.block == 1) return AverageOfPlane(windows, rows, from, y + p * outputs);
    AverageOfBlocks(windows, rows, bottom.block, from, y + p * outputs);
  });
}

template <typename Dtype>
void AveragePoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* dy,
                         Dtype* dx) {
  const std::ptrdiff_t outputs = OutputsOfPlane(bottom, windows);
  EachPlane(bottom, [&](std::ptrdiff_t p) {
    Dtype* to = dx + p * bottom.plane_size();
    std::fill(to, to + bottom.plane_size(), Dtype(0));
    if (bottom.block == 1) return SpreadOverPlane(windows, dy + p * outputs, to);
    SpreadOverBlocks(windows, bottom.block, dy + p * outputs, to);
  });
}

#define INSTANTIATE_MAX_POOLING(Dtype, T)                                                          \
  template void MaxPool<Dtype, T>(const ChannelLayout&, const PoolWindows&, const T*, T*, Dtype*); \
  template void MaxPoolBackward<Dtype, T>(const ChannelLayout&, const PoolWindows&, const T*,      \
                                          const Dtype*, T*);                                       \
  template void MaxPoolBackwardOfTiles<Dtype, T>(const ChannelLayout&, const PoolWindows&,         \
                                                 const T*, const T*, T*)
INSTANTIATE_MAX_POOLING(float, float);
INSTANTIATE_MAX_POOLING(double, double);
INSTANTIATE_MAX_POOLING(float, BFloat16);

#define INSTANTIATE_AVERAGE_POOLING(Dtype)                                                         \
  template void AveragePool<Dtype>(const ChannelLayout&, const PoolWindows&, const Dtype*,         \
                                   Dtype*);                                                        \
  template void AveragePoolBackward<Dtype>(const ChannelLayout&, const PoolWindows&, const Dtype*, \
                                           Dtype*)
INSTANTIATE_AVERAGE_POOLING(float);
INSTANTIATE_AVERAGE_POOLING(double);

}  // namespace caffe
