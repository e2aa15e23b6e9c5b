#include "layers/pooling_kernels.hpp"

#include "caffe/util/parallel_for.hpp"
#include "util/simd.hpp"

namespace caffe {

namespace {

// A loop over the outputs of one plane: body(output, its row and column, rows [h0, h1) and columns
// [w0, w1) of its window).
template <typename Body>
inline void EachWindow(const PoolWindows& windows, const Body& body) {
  std::ptrdiff_t output = 0;
  for (int oh = 0; oh < windows.h.out; ++oh) {
    const int h0 = windows.h.Begin(oh), h1 = windows.h.End(oh);
    for (int ow = 0; ow < windows.w.out; ++ow, ++output) {
      body(output, oh, ow, h0, h1, windows.w.Begin(ow), windows.w.End(ow));
    }
  }
}

// Runs a kernel over all planes on several threads.
template <typename Kernel>
void EachPlane(const ChannelLayout& layout, const Kernel& kernel) {
  const std::ptrdiff_t grain =
      1 + kElementwiseGrain / 4 / std::max<std::ptrdiff_t>(1, layout.plane_size());
  ParallelFor(layout.planes(), grain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t p = begin; p < end; ++p) kernel(p);
  });
}

// ---- one plane ----

template <typename Dtype, bool kWhere>
CAFFE_SIMD_CLONES void MaxPlaneOfLanes(const PoolWindows& windows, const Dtype* x, Dtype* y,
                                       Dtype* where) {
  using L = Lanes<Dtype>;
  using Vector = typename L::Vector;
  const int width = windows.w.in;
  EachWindow(windows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    Dtype place = h0 * width + w0;
    Vector best = L::At(x + (h0 * width + w0) * kLanes);
    Vector best_place = place - Vector{};
    for (int h = h0; h < h1; ++h) {
      place = h * width + w0;
      for (int w = w0; w < w1; ++w, place += 1) {
        const Vector value = L::At(x + (h * width + w) * kLanes);
        const auto better = value > best;
        best = better ? value : best;
        if (kWhere) best_place = better ? place - Vector{} : best_place;
      }
    }
    if (y) L::At(y + o * kLanes) = best;
    if (kWhere) L::At(where + o * kLanes) = best_place;
  });
}

template <typename Dtype>
void MaxPlane(const PoolWindows& windows, int block, const Dtype* x, Dtype* y, Dtype* where) {
  const int width = windows.w.in;
  EachWindow(windows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (int lane = 0; lane < block; ++lane) {
      int best = h0 * width + w0;
      for (int h = h0; h < h1; ++h) {
        for (int i = h * width + w0; i < h * width + w1; ++i) {
          if (x[std::ptrdiff_t(i) * block + lane] > x[std::ptrdiff_t(best) * block + lane])
            best = i;
        }
      }
      if (y) y[o * block + lane] = x[std::ptrdiff_t(best) * block + lane];
      if (where) where[o * block + lane] = static_cast<Dtype>(best);
    }
  });
}

// For windows that tile the plane: every place gets the diff or 0, nothing is added up.
template <typename Dtype>
CAFFE_SIMD_CLONES void MaxPlaneBackwardOfLanes(const PoolWindows& windows, const Dtype* dy,
                                               const Dtype* where, Dtype* dx) {
  using L = Lanes<Dtype>;
  using Vector = typename L::Vector;
  const int width = windows.w.in;
  EachWindow(windows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    const Vector diff = L::At(dy + o * kLanes);
    const Vector chosen = L::At(where + o * kLanes);
    for (int h = h0; h < h1; ++h) {
      for (int w = w0; w < w1; ++w) {
        const Dtype place = h * width + w;
        L::At(dx + (h * width + w) * kLanes) = chosen == (place - Vector{}) ? diff : Vector{};
      }
    }
  });
}

template <typename Dtype>
void MaxPlaneBackward(const ChannelLayout& bottom, std::ptrdiff_t outputs, const Dtype* dy,
                      const Dtype* where, Dtype* dx) {
  std::fill(dx, dx + bottom.plane_size(), Dtype(0));
  for (std::ptrdiff_t o = 0; o < outputs; ++o) {
    for (int lane = 0; lane < bottom.block; ++lane) {
      const std::ptrdiff_t i = o * bottom.block + lane;
      dx[static_cast<std::ptrdiff_t>(where[i]) * bottom.block + lane] += dy[i];
    }
  }
}

}  // namespace

template <typename Dtype>
void MaxPool(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* x, Dtype* y,
             Dtype* where) {
  const std::ptrdiff_t outputs = std::ptrdiff_t(windows.h.out) * windows.w.out * bottom.block;
  EachPlane(bottom, [&](std::ptrdiff_t p) {
    const Dtype* from = x + p * bottom.plane_size();
    Dtype* maxima = y ? y + p * outputs : nullptr;
    Dtype* places = where ? where + p * outputs : nullptr;
    if (bottom.block != kLanes) {
      MaxPlane(windows, bottom.block, from, maxima, places);
    } else if (where) {
      MaxPlaneOfLanes<Dtype, true>(windows, from, maxima, places);
    } else {
      MaxPlaneOfLanes<Dtype, false>(windows, from, maxima, places);
    }
  });
}

template <typename Dtype>
void MaxPoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* dy,
                     const Dtype* where, Dtype* dx) {
  const std::ptrdiff_t outputs = std::ptrdiff_t(windows.h.out) * windows.w.out;
  const std::ptrdiff_t size = outputs * bottom.block;
  const bool tiles = windows.h.Tiles() && windows.w.Tiles();
  EachPlane(bottom, [&](std::ptrdiff_t p) {
    Dtype* to = dx + p * bottom.plane_size();
    if (tiles && bottom.block == kLanes) {
      MaxPlaneBackwardOfLanes(windows, dy + p * size, where + p * size, to);
    } else {
      MaxPlaneBackward(bottom, outputs, dy + p * size, where + p * size, to);
    }
  });
}

template <typename Dtype>
void AveragePool(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* x,
                 Dtype* y) {
  const int block = bottom.block, width = bottom.width;
  const std::ptrdiff_t size = std::ptrdiff_t(windows.h.out) * windows.w.out * block;
  EachPlane(bottom, [&](std::ptrdiff_t p) {
    const Dtype* from = x + p * bottom.plane_size();
    Dtype* to = y + p * size;
    std::fill(to, to + size, Dtype(0));
    EachWindow(windows, [=](std::ptrdiff_t o, int oh, int ow, int h0, int h1, int w0, int w1) {
      Dtype* sum = to + o * block;
      for (int h = h0; h < h1; ++h) {
        const Dtype* row = from + (std::ptrdiff_t(h) * width + w0) * block;
        for (int i = 0; i < (w1 - w0) * block; i += block) {
          for (int lane = 0; lane < block; ++lane) sum[lane] += row[i + lane];
        }
      }
      const Dtype count = windows.h.PaddedLength(oh) * windows.w.PaddedLength(ow);
      for (int lane = 0; lane < block; ++lane) sum[lane] /= count;
    });
  });
}

template <typename Dtype>
void AveragePoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* dy,
                         Dtype* dx) {
  const int block = bottom.block, width = bottom.width;
  const std::ptrdiff_t size = std::ptrdiff_t(windows.h.out) * windows.w.out * block;
  EachPlane(bottom, [&](std::ptrdiff_t p) {
    const Dtype* from = dy + p * size;
    Dtype* to = dx + p * bottom.plane_size();
    std::fill(to, to + bottom.plane_size(), Dtype(0));
    EachWindow(windows, [=](std::ptrdiff_t o, int oh, int ow, int h0, int h1, int w0, int w1) {
      const Dtype count = windows.h.PaddedLength(oh) * windows.w.PaddedLength(ow);
      const Dtype* diff = from + o * block;
      for (int h = h0; h < h1; ++h) {
        Dtype* row = to + (std::ptrdiff_t(h) * width + w0) * block;
        for (int i = 0; i < (w1 - w0) * block; i += block) {
          for (int lane = 0; lane < block; ++lane) row[i + lane] += diff[lane] / count;
        }
      }
    });
  });
}

#define INSTANTIATE_POOLING(Dtype)                                                                 \
  template void MaxPool<Dtype>(const ChannelLayout&, const PoolWindows&, const Dtype*, Dtype*,     \
                               Dtype*);                                                            \
  template void MaxPoolBackward<Dtype>(const ChannelLayout&, const PoolWindows&, const Dtype*,     \
                                       const Dtype*, Dtype*);                                      \
  template void AveragePool<Dtype>(const ChannelLayout&, const PoolWindows&, const Dtype*,         \
                                   Dtype*);                                                        \
  template void AveragePoolBackward<Dtype>(const ChannelLayout&, const PoolWindows&, const Dtype*, \
                                           Dtype*)
INSTANTIATE_POOLING(float);
INSTANTIATE_POOLING(double);

}  // namespace caffe
