#include "layers/host_window_places.hpp"

#include "layers/pooling_loops.hpp"
#include "util/rows.hpp"

namespace caffe {

// ---- the store ----

template <typename Dtype>
HostWindowPlaces<Dtype>::HostWindowPlaces(const ChannelLayout& layout, const PoolWindows& windows)
    : PlacesStore(layout, windows) {
  void* bytes;
  CaffeMallocHost(&bytes, layout.size(), &pinned_);
  bytes_ = static_cast<std::uint8_t*>(bytes);
}

template <typename Dtype>
HostWindowPlaces<Dtype>::~HostWindowPlaces() {
  CaffeFreeHost(bytes_, pinned_);
}

template <typename Dtype>
void HostWindowPlaces<Dtype>::ToPlain(void* plain) const {
  const std::ptrdiff_t outputs = layout_.area();
  const int kernel = windows_.w.kernel;
  ForRows(layout_.planes(), layout_.plane_size(), [&](std::ptrdiff_t p) {
    const std::uint8_t* from = bytes() + p * layout_.plane_size();
    const std::ptrdiff_t first = p / layout_.blocks() * layout_.channels + layout_.first_channel(p);
    Dtype* to = static_cast<Dtype*>(plain) + first * outputs;
    EachWindow(windows_, {0, windows_.h.out},
               [&](std::ptrdiff_t o, int, int, int h0, int, int w0, int) {
                 for (int c = 0; c < layout_.channels_of_plane(p); ++c) {
                   const int in_window = from[o * layout_.block + c];
                   const int row = h0 + in_window / kernel, column = w0 + in_window % kernel;
                   to[c * outputs + o] = row * windows_.w.in + column;
                 }
               });
  });
}

bool KeepsPlaces(const ChannelLayout& layout, const PoolWindows& windows) {
  return InLanes(layout) && FitBytes(windows);
}

// ---- kernels, for rows of one plane, as in pooling_loops.hpp ----

namespace {

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void GatherOfLanes(const PoolWindows& windows, const Rows& rows,
                                     const std::ptrdiff_t block, const T* large,
                                     const std::uint8_t* places, T* small) {
  using Vector = typename Lanes<Dtype>::Vector;
  const int width = windows.w.in, kernel = windows.w.kernel;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (std::ptrdiff_t lane = 0; lane < block; lane += kLanes) {
      Vector gathered = {}, chosen;
      CAFFE_LOAD_PLACES(places + o * block + lane, chosen);
      for (int h = h0; h < h1; ++h) {
        Dtype place = (h - h0) * kernel;
        for (int w = w0; w < w1; ++w, place += 1) {
          Vector value;
          CAFFE_LOAD_LANES(large + (h * width + w) * block + lane, value);
          gathered = chosen == (place - Vector{}) ? value : gathered;
        }
      }
      CAFFE_STORE_LANES(gathered, small + o * block + lane);
    }
  });
}

template <typename T>
void FillOfRows(const PoolWindows& windows, const Rows& rows, int block, const T* small,
                const std::uint8_t* places, T* large) {
  const int width = windows.w.in, kernel = windows.w.kernel;
  EachWindow(windows, rows, [=](std::ptrdiff_t o, int, int, int h0, int h1, int w0, int w1) {
    for (int h = h0; h < h1; ++h) {
      for (int w = w0; w < w1; ++w) {
        const int place = (h - h0) * kernel + w - w0;
        T* const pixel = large + (std::ptrdiff_t(h) * width + w) * block;
        for (int lane = 0; lane < block; ++lane) {
          const std::ptrdiff_t i = o * block + lane;
          pixel[lane] = places[i] == place ? small[i] : T(0);
        }
      }
    }
  });
}

// Calls rows_of(rows, first element of the large plane, of the small one) for all planes' rows.
template <typename RowsOf>
void EachPlanesRows(const ChannelLayout& layout, const PoolWindows& windows,
                    const RowsOf& rows_of) {
  const std::ptrdiff_t small = std::ptrdiff_t(windows.h.out) * windows.w.out * layout.block;
  EachRows(layout, windows, [&](std::ptrdiff_t p, const Rows& rows) {
    rows_of(rows, p * layout.plane_size(), p * small);
  });
}

}  // namespace

template <typename Dtype, typename T>
void MaximaAndPlaces(const ChannelLayout& layout, const PoolWindows& windows, bool rectifies,
                     const T* large, T* small, std::uint8_t* places) {
  EachPlanesRows(layout, windows, [&](const Rows& rows, std::ptrdiff_t from, std::ptrdiff_t to) {
    const InWindow<Dtype> in_window(windows, rectifies);
    if (!InLanes(layout)) {
      return MaxOfRows(windows, rows, in_window, layout.block, large + from, small + to,
                       places + to);
    }
    MaxOfLanes<true>(windows, rows, in_window, layout.block, large + from, small + to, places + to);
  });
}

template <typename Dtype, typename T>
void FillWindows(const ChannelLayout& layout, const PoolWindows& windows, const T* small,
                 const std::uint8_t* places, T* large) {
  EachPlanesRows(layout, windows, [&](const Rows& rows, std::ptrdiff_t to, std::ptrdiff_t from) {
    if (!InLanes(layout)) {
      return FillOfRows(windows, rows, layout.block, small + from, places + from, large + to);
    }
    FillOfLanes(windows, rows, InWindow<Dtype>(windows), layout.block, small + from, places + from,
                large + to);
  });
}

template <typename Dtype, typename T>
void GatherFromWindows(const ChannelLayout& layout, const PoolWindows& windows, const T* large,
                       const std::uint8_t* places, T* small) {
  EachPlanesRows(layout, windows, [&](const Rows& rows, std::ptrdiff_t from, std::ptrdiff_t to) {
    GatherOfLanes<Dtype>(windows, rows, layout.block, large + from, places + to, small + to);
  });
}

INSTANTIATE_CLASS(HostWindowPlaces);

#define INSTANTIATE_KERNELS(Dtype, T)                                                           \
  template void MaximaAndPlaces<Dtype, T>(const ChannelLayout&, const PoolWindows&, bool,       \
                                          const T*, T*, std::uint8_t*);                         \
  template void FillWindows<Dtype, T>(const ChannelLayout&, const PoolWindows&, const T*,       \
                                      const std::uint8_t*, T*);                                 \
  template void GatherFromWindows<Dtype, T>(const ChannelLayout&, const PoolWindows&, const T*, \
                                            const std::uint8_t*, T*)
INSTANTIATE_KERNELS(float, float);
INSTANTIATE_KERNELS(float, BFloat16);
INSTANTIATE_KERNELS(double, double);

}  // namespace caffe
