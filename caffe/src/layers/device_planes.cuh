#ifndef CAFFE_SRC_LAYERS_DEVICE_PLANES_CUH_
#define CAFFE_SRC_LAYERS_DEVICE_PLANES_CUH_

/// Planes of image blobs on the GPU, in plain and in channels-last order, for kernels written once
/// for both. A unit is what a thread has of a pixel: a pack of channels, or one value of a plane in
/// plain order.

#include <type_traits>

#include "gpu/layout.hpp"
#include "gpu/vectors.cuh"
#include "util/divisor.hpp"

namespace caffe {

/// Planes of units, one behind the other: [image][row][column][unit].
struct UnitPlanes {
  int height, width, units;
  Divisor by_units, by_area, by_width;

  UnitPlanes(int height, int width, int units)
      : height(height),
        width(width),
        units(units),
        by_units(units),
        by_area(height * width),
        by_width(width) {}

  struct Place {
    int image, row, column, unit;
  };
  CAFFE_HOST_DEVICE Place PlaceOf(int i) const {
    const int pixel = by_units.Quotient(i);
    const int in_plane = by_area.Remainder(pixel);
    return {by_area.Quotient(pixel), by_width.Quotient(in_plane), by_width.Remainder(in_plane),
            by_units.Remainder(i)};
  }
  /// Of the unit in a plane's first pixel; the others are `units` apart.
  CAFFE_HOST_DEVICE std::ptrdiff_t First(const Place& place) const {
    return std::ptrdiff_t(place.image) * height * width * units + place.unit;
  }
};

/// Calls use(unit, units of a pixel, images) with a null pointer to the units of a layout.
template <typename Dtype, typename Use>
void WithPlaneUnits(const ChannelLayout& layout, const Use& use) {
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    if constexpr (std::is_same<T, Dtype>::value) {
      if (layout.plain()) {
        return use(static_cast<Single<T>*>(nullptr), 1, layout.num * layout.channels);
      }
    }
    CHECK(InPacks<T>(layout.channels)) << "channels-last order is in whole packs";
    use(static_cast<Pack<T>*>(nullptr), layout.channels / Pack<T>::kSize, layout.num);
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_DEVICE_PLANES_CUH_
