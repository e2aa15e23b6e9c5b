#ifndef CAFFE_SRC_LAYERS_DEVICE_POOLING_CUH_
#define CAFFE_SRC_LAYERS_DEVICE_POOLING_CUH_

/// Windows over planes on the GPU; see device_planes.cuh for what a unit is.

#include "layers/device_planes.cuh"
#include "layers/pooling_kernels.hpp"
#include "layers/window_places.hpp"

namespace caffe {

/// Bottom and top of a pooling layer.
struct PoolUnits {
  PoolWindows windows;
  UnitPlanes in, out;

  PoolUnits(const PoolWindows& windows, int units)
      : windows(windows),
        in(windows.h.in, windows.w.in, units),
        out(windows.h.out, windows.w.out, units) {}
};

/// Calls body(place in the plane, place in the window) for the pixels of an output's window in
/// their order. kSide: of square windows that lie side by side, so that all their pixels are read
/// at once; those that the edge cuts off are then the last of the row or column once more. 0: any
/// other window; places in it are those of WindowPlaces where windows tile the plane.
template <int kSide, typename Body>
CAFFE_HOST_DEVICE void EachOfWindow(const PoolWindows& windows, int row, int column,
                                    const Body& body) {
  const PoolAxis& h = windows.h;
  const PoolAxis& w = windows.w;
  if constexpr (kSide == 0) {
    const int top = h.Begin(row), left = w.Begin(column);
    for (int r = top; r < h.End(row); ++r) {
      for (int c = left; c < w.End(column); ++c) {
        body(r * w.in + c, (r - top) * w.kernel + (c - left));
      }
    }
  } else {
    const int top = row * kSide, left = column * kSide;
    for (int r = 0; r < kSide; ++r) {
      for (int c = 0; c < kSide; ++c) {
        const int down = Smaller(r, h.in - 1 - top), right = Smaller(c, w.in - 1 - left);
        body((top + down) * w.in + left + right, down * kSide + right);
      }
    }
  }
}

/// The maxima of a unit's window and their first places, in the plane and in the window.
template <typename Unit, typename Real>
struct UnitMaxima {
  static constexpr int kSize = Unit::kSize;
  Real value[kSize];
  int place[kSize], in_window[kSize];

  /// x: of the plane's first pixel.
  template <int kSide>
  CAFFE_HOST_DEVICE void Find(const PoolWindows& windows, int row, int column, const Unit* x,
                              int step) {
    bool first = true;
    EachOfWindow<kSide>(windows, row, column, [&](int place_of_pixel, int in_window_of_pixel) {
      const Unit unit = x[std::ptrdiff_t(place_of_pixel) * step];
      for (int j = 0; j < kSize; ++j) {
        if (!first && !(Real(unit[j]) > value[j])) continue;
        value[j] = unit[j];
        place[j] = place_of_pixel;
        in_window[j] = in_window_of_pixel;
      }
      first = false;
    });
  }
};

/// Where maxima are, in a mask of their order: places in the plane, or (bytes) in their windows.
/// Neither: there is no mask.
template <typename Real, typename Byte>
struct PoolMask {
  Real* places = nullptr;
  Byte* bytes = nullptr;
};
template <typename Real>
using MaskToWrite = PoolMask<Real, std::uint8_t>;
template <typename Real>
using MaskToRead = PoolMask<const Real, const std::uint8_t>;

/// Unit o of the top: the maxima of its window (y may be null), and its part of the mask. With
/// `rectifies`, its bytes are kNoPlace where a maximum is not positive.
template <int kSide, typename Unit, typename Real>
struct MaxOfWindow {
  PoolUnits pool;
  const Unit* x;
  Unit* y;
  MaskToWrite<Real> mask;
  bool rectifies;

  CAFFE_HOST_DEVICE void operator()(int o) const {
    constexpr int kSize = Unit::kSize;
    const UnitPlanes::Place at = pool.out.PlaceOf(o);
    const std::ptrdiff_t first = std::ptrdiff_t(o) * kSize;
    UnitMaxima<Unit, Real> maxima;
    maxima.template Find<kSide>(pool.windows, at.row, at.column, x + pool.in.First(at),
                                pool.in.units);
    if (y) {
      Unit unit;
      for (int j = 0; j < kSize; ++j) unit[j] = maxima.value[j];
      y[o] = unit;
    }
    if (mask.bytes) {
      Pack<std::uint8_t, kSize> bytes;
      for (int j = 0; j < kSize; ++j) {
        const bool none = rectifies && !(maxima.value[j] > Real(0));
        bytes[j] = none ? kNoPlace : static_cast<std::uint8_t>(maxima.in_window[j]);
      }
      StorePack(bytes, mask.bytes + first);
    } else if (mask.places) {
      Pack<Real, kSize> places;
      for (int j = 0; j < kSize; ++j) places[j] = Real(maxima.place[j]);
      StorePack(places, mask.places + first);
    }
  }
};

// What tells where the maxima are of the windows that tile a plane: each is a type, so that a
// kernel has the code for one of them. Load gives those of unit o of the top, which is `at`.

/// The bytes of a mask.
template <typename Unit>
struct MaximaByBytes {
  static constexpr int kSize = Unit::kSize;
  const std::uint8_t* bytes;

  struct Of {
    Pack<std::uint8_t, kSize> place;
    CAFFE_HOST_DEVICE bool Is(int j, int, int in_window) const { return place[j] == in_window; }
  };
  template <int kSide>
  CAFFE_HOST_DEVICE Of Load(const PoolUnits&, const UnitPlanes::Place&, int o) const {
    return {LoadPack<kSize>(bytes + std::ptrdiff_t(o) * kSize)};
  }
};

/// The numbers of a mask.
template <typename Unit, typename Real>
struct MaximaByPlaces {
  static constexpr int kSize = Unit::kSize;
  const Real* places;

  struct Of {
    Pack<Real, kSize> place;
    CAFFE_HOST_DEVICE bool Is(int j, int in_plane, int) const {
      return static_cast<int>(place[j]) == in_plane;
    }
  };
  template <int kSide>
  CAFFE_HOST_DEVICE Of Load(const PoolUnits&, const UnitPlanes::Place&, int o) const {
    return {LoadPack<kSize>(places + std::ptrdiff_t(o) * kSize)};
  }
};

/// The bottom itself, where there is no mask.
template <typename Unit, typename Real>
struct MaximaOfBottom {
  const Unit* x;

  struct Of {
    UnitMaxima<Unit, Real> maxima;
    CAFFE_HOST_DEVICE bool Is(int j, int, int in_window) const {
      return maxima.in_window[j] == in_window;
    }
  };
  template <int kSide>
  CAFFE_HOST_DEVICE Of Load(const PoolUnits& pool, const UnitPlanes::Place& at, int) const {
    Of of;
    of.maxima.template Find<kSide>(pool.windows, at.row, at.column, x + pool.in.First(at),
                                   pool.in.units);
    return of;
  }
};

/// Unit o of the top, where windows tile the plane: dx of its window.
template <int kSide, typename Unit, typename Maxima>
struct MaxDiffOfTile {
  PoolUnits pool;
  Maxima maxima;
  const Unit* dy;
  Unit* dx;

  CAFFE_HOST_DEVICE void operator()(int o) const {
    const UnitPlanes::Place at = pool.out.PlaceOf(o);
    const auto of = maxima.template Load<kSide>(pool, at, o);
    const Unit of_top = dy[o];
    Unit* plane = dx + pool.in.First(at);
    EachOfWindow<kSide>(pool.windows, at.row, at.column, [&](int place, int in_window) {
      Unit unit = {};
      for (int j = 0; j < Unit::kSize; ++j) {
        if (of.Is(j, place, in_window)) unit[j] = of_top[j];
      }
      plane[std::ptrdiff_t(place) * pool.in.units] = unit;
    });
  }
};

/// What the input at `place` gets of unit o's diff: all, where it was the maximum.
template <typename Unit, typename Real>
struct MaxShare {
  const Real* where;
  CAFFE_HOST_DEVICE void Add(const PoolWindows&, int place, std::ptrdiff_t o, int, int,
                             const Unit& dy, Real (&sums)[Unit::kSize]) const {
    const auto places = LoadPack<Unit::kSize>(where + o * Unit::kSize);
    for (int j = 0; j < Unit::kSize; ++j) {
      if (static_cast<int>(places[j]) == place) sums[j] += Real(dy[j]);
    }
  }
};

/// Or a mean's equal part.
template <typename Unit, typename Real>
struct MeanShare {
  CAFFE_HOST_DEVICE void Add(const PoolWindows& windows, int, std::ptrdiff_t, int row, int column,
                             const Unit& dy, Real (&sums)[Unit::kSize]) const {
    const int size = windows.h.PaddedLength(row) * windows.w.PaddedLength(column);
    for (int j = 0; j < Unit::kSize; ++j) sums[j] += Real(dy[j]) / size;
  }
};

/// Unit i of the bottom gathers from the windows that hold it, in their order: no two threads add
/// to one place, so that the sums are the same each time.
template <typename Unit, typename Real, typename Share>
struct DiffOfInput {
  PoolUnits pool;
  Share share;
  const Unit* dy;
  Unit* dx;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const PoolAxis& h = pool.windows.h;
    const PoolAxis& w = pool.windows.w;
    const UnitPlanes::Place at = pool.in.PlaceOf(i);
    const std::ptrdiff_t first = pool.out.First(at);
    Real sums[Unit::kSize] = {};
    for (int oh = h.FirstOutput(at.row); oh < h.LastOutput(at.row); ++oh) {
      for (int ow = w.FirstOutput(at.column); ow < w.LastOutput(at.column); ++ow) {
        const std::ptrdiff_t o = first + std::ptrdiff_t(oh * w.out + ow) * pool.out.units;
        share.Add(pool.windows, at.row * w.in + at.column, o, oh, ow, dy[o], sums);
      }
    }
    Unit unit;
    for (int j = 0; j < Unit::kSize; ++j) unit[j] = sums[j];
    dx[i] = unit;
  }
};

/// Unit o of the top: the mean of its window.
template <typename Unit, typename Real>
struct MeanOfWindow {
  PoolUnits pool;
  const Unit* x;
  Unit* y;

  CAFFE_HOST_DEVICE void operator()(int o) const {
    const UnitPlanes::Place at = pool.out.PlaceOf(o);
    const Unit* plane = x + pool.in.First(at);
    Real sums[Unit::kSize] = {};
    EachOfWindow<0>(pool.windows, at.row, at.column, [&](int place, int) {
      const Unit unit = plane[std::ptrdiff_t(place) * pool.in.units];
      for (int j = 0; j < Unit::kSize; ++j) sums[j] += Real(unit[j]);
    });
    const int size = pool.windows.h.PaddedLength(at.row) * pool.windows.w.PaddedLength(at.column);
    Unit unit;
    for (int j = 0; j < Unit::kSize; ++j) unit[j] = sums[j] / size;
    y[o] = unit;
  }
};

/// Calls use(side) with the side of windows that EachOfWindow knows beforehand, else 0.
template <typename Use>
void WithSide(const PoolWindows& windows, const Use& use) {
  const auto is_two = [](const PoolAxis& axis) {
    return axis.kernel == 2 && axis.stride == 2 && axis.pad == 0 && (axis.out - 1) * 2 < axis.in;
  };
  if (is_two(windows.h) && is_two(windows.w)) {
    use(std::integral_constant<int, 2>());
  } else {
    use(std::integral_constant<int, 0>());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_DEVICE_POOLING_CUH_
