#include "core/device_memory.hpp"
#include "layers/device_planes.cuh"
#include "layers/window_places.hpp"

namespace caffe {

namespace {

// Element i of a mask in plain order.
template <typename Dtype>
struct PlaceInPlane {
  PoolWindows windows;
  UnitPlanes planes;  // of the mask, one value after the other
  int channels;       // of a pixel: 1 in plain order
  Divisor by_channels;
  Divisor by_kernel;
  const std::uint8_t* bytes;
  Dtype* places;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const UnitPlanes::Place at = planes.PlaceOf(i);
    const int area = planes.height * planes.width;
    const int channel = by_channels.Remainder(at.image), image = by_channels.Quotient(at.image);
    const int pixel = at.row * planes.width + at.column;
    const int in_window = bytes[(std::ptrdiff_t(image) * area + pixel) * channels + channel];
    const int row = at.row * windows.h.stride + by_kernel.Quotient(in_window);
    const int column = at.column * windows.w.stride + by_kernel.Remainder(in_window);
    places[i] = row * windows.w.in + column;
  }
};

}  // namespace

template <typename Dtype>
WindowPlaces<Dtype>::WindowPlaces(const ChannelLayout& layout, const PoolWindows& windows)
    : PlacesStore(layout, windows) {
  int device = 0;
  bytes_ = static_cast<std::uint8_t*>(TakeDeviceMemory(layout.size(), ThreadStream(), &device));
  user_.Begin(device);
  user_.Enter(true);
}

template <typename Dtype>
WindowPlaces<Dtype>::~WindowPlaces() {
  GiveBackDeviceMemory(bytes_, user_.device(), user_.IsAnother());
}

template <typename Dtype>
const std::uint8_t* WindowPlaces<Dtype>::bytes() const {
  user_.Enter(false);
  return bytes_;
}

template <typename Dtype>
std::uint8_t* WindowPlaces<Dtype>::mutable_bytes() {
  user_.Enter(true);
  return bytes_;
}

template <typename Dtype>
void WindowPlaces<Dtype>::ToPlain(void* plain) const {
  const int channels = layout_.plain() ? 1 : layout_.channels;
  ForElements(layout_.size(),
              PlaceInPlane<Dtype>{windows_, UnitPlanes(layout_.height, layout_.width, 1), channels,
                                  Divisor(channels), Divisor(windows_.w.kernel), bytes(),
                                  static_cast<Dtype*>(plain)});
}

template class WindowPlaces<float>;
template class WindowPlaces<double>;

}  // namespace caffe
