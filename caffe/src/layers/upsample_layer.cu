#include "caffe/layers/upsample_layer.hpp"
#include "gpu/scratch.hpp"
#include "layers/device_pooling.cuh"
#include "layers/window_places.hpp"

namespace caffe {

namespace {

// The large planes in windows, one for each pixel of the small ones. Where the values of a unit
// belong, by either kind of mask:

// Places in the plane. They lie in the window as a rule: that of the pooling whose mask they are.
template <int kSide, typename Unit, typename Real>
struct PlacesInPlane {
  static constexpr int kSize = Unit::kSize;
  static constexpr bool kInWindow = false;

  PoolUnits pool;
  const Real* places;
  int* bad;

  struct Of {
    UnitPlanes::Place at;
    int place[kSize];  // -1: outside the plane
    bool in_window[kSize];

    CAFFE_HOST_DEVICE bool Is(int j, int in_plane, int) const { return place[j] == in_plane; }
  };

  CAFFE_HOST_DEVICE int PlainIndex(const UnitPlanes::Place& at, int j) const {
    const UnitPlanes& small = pool.out;
    const int plane = (at.image * small.units + at.unit) * kSize + j;
    return (plane * small.height + at.row) * small.width + at.column;
  }
  CAFFE_HOST_DEVICE Of Load(int i) const {
    Of of;
    of.at = pool.out.PlaceOf(i);
    const auto values = LoadPack<kSize>(places + std::ptrdiff_t(i) * kSize);
    const int area = pool.in.height * pool.in.width;
    for (int j = 0; j < kSize; ++j) {
      const bool inside = values[j] >= 0 && values[j] < area;
      if (!inside) *bad = 1 + PlainIndex(of.at, j);
      of.place[j] = inside ? static_cast<int>(values[j]) : -1;
      of.in_window[j] = !inside;
    }
    EachOfWindow<kSide>(pool.windows, of.at.row, of.at.column, [&](int place, int) {
      for (int j = 0; j < kSize; ++j) of.in_window[j] |= of.place[j] == place;
    });
    return of;
  }
};

// WindowPlaces of these very windows.
template <int kSide, typename Unit>
struct PlacesInWindow {
  static constexpr int kSize = Unit::kSize;
  static constexpr bool kInWindow = true;

  PoolUnits pool;
  const std::uint8_t* bytes;

  struct Of {
    UnitPlanes::Place at;
    Pack<std::uint8_t, kSize> place;

    CAFFE_HOST_DEVICE bool Is(int j, int, int in_window) const { return place[j] == in_window; }
  };

  CAFFE_HOST_DEVICE Of Load(int i) const {
    return {pool.out.PlaceOf(i), LoadPack<kSize>(bytes + std::ptrdiff_t(i) * kSize)};
  }
};

// Unit i of the small planes: all of its window in the large ones, which no memory need be zeroed
// for. *outside becomes 1 where a value belongs elsewhere.
template <int kSide, typename Unit, typename Places>
struct FillWindow {
  Places places;
  const Unit* x;
  Unit* y;
  int* outside;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const PoolUnits& pool = places.pool;
    const auto of = places.Load(i);
    const Unit from = x[i];
    Unit* plane = y + pool.in.First(of.at);
    EachOfWindow<kSide>(pool.windows, of.at.row, of.at.column, [&](int place, int in_window) {
      Unit unit = {};
      for (int j = 0; j < Unit::kSize; ++j) {
        if (of.Is(j, place, in_window)) unit[j] = from[j];
      }
      plane[place * pool.in.units] = unit;
    });
    if constexpr (!Places::kInWindow) {
      for (int j = 0; j < Unit::kSize; ++j) {
        if (!of.in_window[j]) *outside = 1;
      }
    }
  }
};

// After that, where values belong outside their windows, all is written anew, since several may
// belong in one place: as on the CPU, it gets that of the last pixel. `last` has a number for each
// value of the large planes.

CAFFE_HOST_DEVICE void AtomicMax(int* at, int value) {
#ifdef __CUDA_ARCH__
  atomicMax(at, value);
#else
  if (*at < value) *at = value;
#endif
}

struct ForgetClaims {
  int* last;
  const int* outside;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    if (*outside) last[i] = -1;
  }
};

template <typename Places>
struct ClaimPlaces {
  Places places;
  int* last;
  const int* outside;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    if (*outside == 0) return;
    const PoolUnits& pool = places.pool;
    const auto of = places.Load(i);
    const int pixel = of.at.row * pool.out.width + of.at.column;
    for (int j = 0; j < Places::kSize; ++j) {
      if (of.place[j] < 0) continue;
      const std::ptrdiff_t unit =
          pool.in.First(of.at) + std::ptrdiff_t(of.place[j]) * pool.in.units;
      AtomicMax(last + unit * Places::kSize + j, pixel);
    }
  }
};

template <typename Unit>
struct GrantClaims {
  PoolUnits pool;
  const int* last;
  const Unit* x;
  Unit* y;
  const int* outside;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    if (*outside == 0) return;
    const Unit* plane = x + pool.out.First(pool.in.PlaceOf(i));
    Unit unit = {};
    for (int j = 0; j < Unit::kSize; ++j) {
      const int pixel = last[std::ptrdiff_t(i) * Unit::kSize + j];
      if (pixel >= 0) unit[j] = plane[std::ptrdiff_t(pixel) * pool.out.units][j];
    }
    y[i] = unit;
  }
};

template <int kSide, typename Unit, typename Places>
struct GatherFromPlaces {
  Places places;
  const Unit* dy;
  Unit* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const PoolUnits& pool = places.pool;
    const auto of = places.Load(i);
    const Unit* plane = dy + pool.in.First(of.at);
    Unit result = {};
    EachOfWindow<kSide>(pool.windows, of.at.row, of.at.column, [&](int place, int in_window) {
      const Unit unit = plane[place * pool.in.units];
      for (int j = 0; j < Unit::kSize; ++j) {
        if (of.Is(j, place, in_window)) result[j] = unit[j];
      }
    });
    if constexpr (!Places::kInWindow) {
      for (int j = 0; j < Unit::kSize; ++j) {
        if (!of.in_window[j]) result[j] = plane[of.place[j] * pool.in.units][j];
      }
    }
    dx[i] = result;
  }
};

// Calls use(unit, places, kSide as a type) for a mask as it is kept: of `small` values, whose
// pixels have these windows.
template <typename Dtype, typename Use>
void WithPlaces(const ChannelLayout& small, const PoolWindows& windows, const Blob<Dtype>& mask,
                HostFlag* bad, const Use& use) {
  const std::uint8_t* bytes = PlacesToRead<WindowPlaces<Dtype>>(small, windows, mask);
  const Dtype* places =
      bytes ? nullptr : ReadOnGpu<Dtype>(small.WithElement(Element::kFloat), mask);
  WithPlaneUnits<Dtype>(small, [&](auto* unit, int units, int) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    WithSide(windows, [&](auto side) {
      constexpr int kSide = decltype(side)::value;
      const PoolUnits pool(windows, units);
      if (bytes) {
        use(unit, PlacesInWindow<kSide, Unit>{pool, bytes}, side);
      } else {
        use(unit, PlacesInPlane<kSide, Unit, Dtype>{pool, places, bad->device()}, side);
      }
    });
  });
}

}  // namespace

template <typename Dtype>
void UpsampleLayer<Dtype>::CheckPlaces() {
  const int bad = bad_place_.Take();
  CHECK_EQ(bad, 0) << ": element " << bad - 1 << " of the mask lies outside the top's "
                   << upsample_h_ << " x " << upsample_w_
                   << " planes; upsample to the size of the blob that was pooled";
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  CheckPlaces();
  const ChannelLayout small = StoredOnGpu(*bottom[0]);
  const ChannelLayout large = small.WithPlane(upsample_h_, upsample_w_);
  const void* x = ReadBytes(small, *bottom[0], Part::kData, Place::kGpu);
  void* y = WriteBytes(large, top[0], Part::kData, Place::kGpu);
  WithPlaces(
      small, WindowsOfPixels(), *bottom[1], &bad_place_, [&](auto* unit, auto places, auto side) {
        using Unit = std::remove_pointer_t<decltype(unit)>;
        using Places = decltype(places);
        const Unit* from = static_cast<const Unit*>(x);
        Unit* to = static_cast<Unit*>(y);
        const std::ptrdiff_t pixels = bottom[0]->count() / Unit::kSize, values = top[0]->count();
        if constexpr (Places::kInWindow) {
          ForElements(pixels,
                      FillWindow<decltype(side)::value, Unit, Places>{places, from, to, nullptr});
        } else {
          int* outside = static_cast<int*>(DeviceScratch(Scratch::kSums, sizeof(int)));
          int* last = static_cast<int*>(DeviceScratch(Scratch::kClaims, values * sizeof(int)));
          caffe_gpu_memset(sizeof(int), 0, outside);
          ForElements(pixels,
                      FillWindow<decltype(side)::value, Unit, Places>{places, from, to, outside});
          ForElements(values, ForgetClaims{last, outside});
          ForElements(pixels, ClaimPlaces<Places>{places, last, outside});
          ForElements(values / Unit::kSize,
                      GrantClaims<Unit>{places.pool, last, from, to, outside});
        }
      });
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  CheckPlaces();
  if (!propagate_down[0]) return;
  const ChannelLayout large = StoredOnGpu(*top[0], Part::kDiff);
  const ChannelLayout small = large.WithPlane(height_, width_);
  const void* dy = ReadBytes(large, *top[0], Part::kDiff, Place::kGpu);
  void* dx = WriteBytes(small, bottom[0], Part::kDiff, Place::kGpu);
  WithPlaces(small, WindowsOfPixels(), *bottom[1], &bad_place_,
             [&](auto* unit, auto places, auto side) {
               using Unit = std::remove_pointer_t<decltype(unit)>;
               ForElements(bottom[0]->count() / Unit::kSize,
                           GatherFromPlaces<decltype(side)::value, Unit, decltype(places)>{
                               places, static_cast<const Unit*>(dy), static_cast<Unit*>(dx)});
             });
}

INSTANTIATE_LAYER_GPU_FUNCS(UpsampleLayer);

}  // namespace caffe
