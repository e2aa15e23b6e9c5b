#include "caffe/layers/upsample_layer.hpp"
#include "layers/device_pooling.cuh"
#include "util/device_scratch.hpp"

namespace caffe {

namespace {

// The large planes in windows, one for each pixel of the small ones. The place of a value lies in
// its window as a rule: that of the pooling whose mask the places are.
template <int kSide, typename Unit, typename Real>
struct PlacesOfUnit {
  static constexpr int kSize = Unit::kSize;

  PoolUnits pool;
  const Real* places;
  int* bad;

  struct Of {
    UnitPlanes::Place at;
    int place[kSize];  // -1: outside the plane
    bool in_window[kSize];
  };

  CAFFE_HOST_DEVICE int PlainIndex(const UnitPlanes::Place& at, int j) const {
    const UnitPlanes& small = pool.out;
    const int plane = (at.image * small.units + at.unit) * kSize + j;
    return (plane * small.height + at.row) * small.width + at.column;
  }
  CAFFE_HOST_DEVICE Of Load(int i) const {
    Of of;
    of.at = pool.out.PlaceOf(i);
    Real values[kSize];
    LoadMany<kSize>(places + std::ptrdiff_t(i) * kSize, values);
    const int area = pool.in.height * pool.in.width;
    for (int j = 0; j < kSize; ++j) {
      const bool inside = values[j] >= 0 && values[j] < area;
      if (!inside) *bad = 1 + PlainIndex(of.at, j);
      of.place[j] = inside ? static_cast<int>(values[j]) : -1;
      of.in_window[j] = !inside;
    }
    EachOfWindow<kSide>(pool.windows, of.at.row, of.at.column, [&](int place) {
      for (int j = 0; j < kSize; ++j) of.in_window[j] |= of.place[j] == place;
    });
    return of;
  }
  CAFFE_HOST_DEVICE std::ptrdiff_t First(const Of& of) const { return pool.in.First(of.at); }
  CAFFE_HOST_DEVICE std::ptrdiff_t Step() const { return pool.in.units; }
};

// Unit i of the small planes: all of its window in the large ones. *outside becomes 1 where a value
// belongs elsewhere.
template <int kSide, typename Unit, typename Real>
struct FillWindow {
  PlacesOfUnit<kSide, Unit, Real> places;
  const Unit* x;
  Unit* y;
  int* outside;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const auto of = places.Load(i);
    const Unit from = x[i];
    Unit* plane = y + places.First(of);
    EachOfWindow<kSide>(places.pool.windows, of.at.row, of.at.column, [&](int place) {
      Unit unit = {};
      for (int j = 0; j < Unit::kSize; ++j) {
        if (of.place[j] == place) unit[j] = from[j];
      }
      plane[place * places.Step()] = unit;
    });
    for (int j = 0; j < Unit::kSize; ++j) {
      if (!of.in_window[j]) *outside = 1;
    }
  }
};

// After that, values that belong outside their windows.
template <int kSide, typename Unit, typename Real>
struct ScatterOthers {
  PlacesOfUnit<kSide, Unit, Real> places;
  const Unit* x;
  Unit* y;
  const int* outside;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    if (*outside == 0) return;
    const auto of = places.Load(i);
    Unit* plane = y + places.First(of);
    for (int j = 0; j < Unit::kSize; ++j) {
      if (!of.in_window[j]) plane[of.place[j] * places.Step()][j] = x[i][j];
    }
  }
};

template <int kSide, typename Unit, typename Real>
struct GatherFromPlaces {
  PlacesOfUnit<kSide, Unit, Real> places;
  const Unit* dy;
  Unit* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const auto of = places.Load(i);
    const Unit* plane = dy + places.First(of);
    Unit result = {};
    EachOfWindow<kSide>(places.pool.windows, of.at.row, of.at.column, [&](int place) {
      const Unit unit = plane[place * places.Step()];
      for (int j = 0; j < Unit::kSize; ++j) {
        if (of.place[j] == place) result[j] = unit[j];
      }
    });
    for (int j = 0; j < Unit::kSize; ++j) {
      if (!of.in_window[j]) result[j] = plane[of.place[j] * places.Step()][j];
    }
    dx[i] = result;
  }
};

}  // namespace

template <typename Dtype>
void UpsampleLayer<Dtype>::CheckPlaces() {
  const int bad = bad_place_.Take();
  CHECK_EQ(bad, 0) << ": element " << bad - 1 << " of the mask lies outside the top's "
                   << upsample_h_ << " x " << upsample_w_
                   << " planes; upsample to the size of the blob that was pooled";
}

template <typename Dtype>
PoolWindows UpsampleLayer<Dtype>::WindowsOfPixels() const {
  const auto axis = [](int large, int small) {
    const int side = small > 0 ? (large + small - 1) / small : 1;
    return PoolAxis{large, small, side, side, 0};
  };
  return {axis(upsample_h_, height_), axis(upsample_w_, width_)};
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  CheckPlaces();
  const ChannelLayout small = StoredOnGpu(*bottom[0]);
  const ChannelLayout large = small.WithPlane(upsample_h_, upsample_w_);
  const Dtype* places = ReadOnGpu<Dtype>(small.WithElement(Element::kFloat), *bottom[1]);
  const void* x = ReadBytes(small, *bottom[0], Part::kData, Place::kGpu);
  void* y = WriteBytes(large, top[0], Part::kData, Place::kGpu);
  int* outside = static_cast<int*>(DeviceScratch(Scratch::kSums, sizeof(int)));
  caffe_gpu_memset(sizeof(int), 0, outside);
  WithPlaneUnits<Dtype>(small, [&](auto* unit, int units, int) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const Unit* from = static_cast<const Unit*>(x);
    Unit* to = static_cast<Unit*>(y);
    const std::ptrdiff_t count = bottom[0]->count() / Unit::kSize;
    WithSide(WindowsOfPixels(), [&](auto side) {
      constexpr int kSide = decltype(side)::value;
      const PlacesOfUnit<kSide, Unit, Dtype> of = {
          {WindowsOfPixels(), units}, places, bad_place_.device()};
      ForElements(count, FillWindow<kSide, Unit, Dtype>{of, from, to, outside});
      // With windows that overlap, a place may occur twice: which value it gets is then open.
      ForElements(count, ScatterOthers<kSide, Unit, Dtype>{of, from, to, outside});
    });
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
  const Dtype* places = ReadOnGpu<Dtype>(small.WithElement(Element::kFloat), *bottom[1]);
  const void* dy = ReadBytes(large, *top[0], Part::kDiff, Place::kGpu);
  void* dx = WriteBytes(small, bottom[0], Part::kDiff, Place::kGpu);
  WithPlaneUnits<Dtype>(small, [&](auto* unit, int units, int) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    WithSide(WindowsOfPixels(), [&](auto side) {
      constexpr int kSide = decltype(side)::value;
      ForElements(bottom[0]->count() / Unit::kSize,
                  GatherFromPlaces<kSide, Unit, Dtype>{
                      {{WindowsOfPixels(), units}, places, bad_place_.device()},
                      static_cast<const Unit*>(dy),
                      static_cast<Unit*>(dx)});
    });
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(UpsampleLayer);

}  // namespace caffe
