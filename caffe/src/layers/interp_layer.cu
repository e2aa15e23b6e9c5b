#include "caffe/layers/interp_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/device_planes.cuh"
#include "layers/interp_positions.hpp"

namespace caffe {

namespace {

// Planes of the whole bottom, what is cropped included, and of the top, and how their positions
// belong together.
struct InterpPlanes {
  UnitPlanes in, out;
  AlignedAxis rows, columns;
};

template <typename Unit, typename Real>
struct InterpUnit {
  InterpPlanes planes;
  const Unit* x;
  Unit* y;
  CAFFE_HOST_DEVICE void operator()(int o) const {
    const UnitPlanes::Place at = planes.out.PlaceOf(o);
    const Between row = planes.rows.At(at.row);
    const Between column = planes.columns.At(at.column);
    const Unit* plane = x + planes.in.First(at);
    const int step = planes.in.units;
    const Unit* upper = plane + std::ptrdiff_t(row.first) * planes.in.width * step;
    const Unit* lower = plane + std::ptrdiff_t(row.second) * planes.in.width * step;
    const Unit corners[4] = {upper[column.first * step], upper[column.second * step],
                             lower[column.first * step], lower[column.second * step]};
    const CornerWeights<Real> weights(row, column);
    Unit result;
    for (int j = 0; j < Unit::kSize; ++j) {
      Real sum = 0;
      for (int k = 0; k < 4; ++k) sum += weights.of[k] * Real(corners[k][j]);
      result[j] = sum;
    }
    y[o] = result;
  }
};

// What position i of the input gets of an output between two positions.
CAFFE_HOST_DEVICE inline double Share(const Between& between, int i) {
  return (between.first == i ? 1 - between.weight : 0) + (between.second == i ? between.weight : 0);
}

// Every input gathers from the outputs beside it, in their order.
template <typename Unit, typename Real>
struct InterpDiff {
  InterpPlanes planes;
  const Unit* dy;
  Unit* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const AlignedAxis& rows = planes.rows;
    const AlignedAxis& columns = planes.columns;
    const UnitPlanes::Place at = planes.in.PlaceOf(i);
    const Unit* plane = dy + planes.out.First(at);
    Real sums[Unit::kSize] = {};
    for (int oh = rows.FirstOutput(at.row); oh < rows.LastOutput(at.row); ++oh) {
      const double row_share = Share(rows.At(oh), at.row);
      if (row_share == 0) continue;
      for (int ow = columns.FirstOutput(at.column); ow < columns.LastOutput(at.column); ++ow) {
        const Real share = Real(row_share * Share(columns.At(ow), at.column));
        const Unit unit = plane[std::ptrdiff_t(oh * columns.out + ow) * planes.out.units];
        for (int j = 0; j < Unit::kSize; ++j) sums[j] += share * Real(unit[j]);
      }
    }
    Unit result;
    for (int j = 0; j < Unit::kSize; ++j) result[j] = sums[j];
    dx[i] = result;
  }
};

}  // namespace

template <typename Dtype>
void InterpLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const ChannelLayout from = StoredOnGpu(*bottom[0]);
  const ChannelLayout to = from.WithPlane(height_out_, width_out_);
  const void* x = ReadBytes(from, *bottom[0], Part::kData, Place::kGpu);
  void* y = WriteBytes(to, top[0], Part::kData, Place::kGpu);
  WithPlaneUnits<Dtype>(from, [&](auto* unit, int units, int) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const InterpPlanes planes = {
        {from.height, from.width, units}, {height_out_, width_out_, units}, rows(), columns()};
    ForElements(
        top[0]->count() / Unit::kSize,
        InterpUnit<Unit, Dtype>{planes, static_cast<const Unit*>(x), static_cast<Unit*>(y)});
  });
}

template <typename Dtype>
void InterpLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() > 1 && propagate_down[1]) {
    caffe_gpu_set(bottom[1]->count(), Dtype(0), bottom[1]->mutable_gpu_diff());
  }
  if (!propagate_down[0]) return;
  const ChannelLayout from = StoredOnGpu(*top[0], Part::kDiff);
  const ChannelLayout to = from.WithPlane(bottom[0]->height(), bottom[0]->width());
  VisitOnGpu<Dtype>(from, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(from, *top[0], Part::kDiff);
    T* dx = WriteOnGpu<T>(to, bottom[0], Part::kDiff);
    // Of one pixel all outputs are copies.
    if (to.area() == 1) return SumPlanes(from, dy, StoreScaled<T>{1, dx});
    WithPlaneUnits<Dtype>(from, [&](auto* unit, int units, int) {
      using Unit = std::remove_pointer_t<decltype(unit)>;
      const InterpPlanes planes = {
          {to.height, to.width, units}, {height_out_, width_out_, units}, rows(), columns()};
      ForElements(bottom[0]->count() / Unit::kSize,
                  InterpDiff<Unit, Dtype>{planes, AsUnits<Unit>(dy), AsUnits<Unit>(dx)});
    });
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(InterpLayer);

}  // namespace caffe
