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
    : PlacesStore(layout, windows), user_(std::this_thread::get_id()) {
  bytes_ = static_cast<std::uint8_t*>(TakeDeviceMemory(layout.size(), ThreadStream(), &device_));
}

template <typename Dtype>
WindowPlaces<Dtype>::~WindowPlaces() {
  GiveBackDeviceMemory(bytes_, device_, user_ != std::this_thread::get_id());
}

template <typename Dtype>
void WindowPlaces<Dtype>::ToPlain(void* plain) const {
  const int channels = layout_.plain() ? 1 : layout_.channels;
  ForElements(layout_.size(),
              PlaceInPlane<Dtype>{windows_, UnitPlanes(layout_.height, layout_.width, 1), channels,
                                  Divisor(channels), Divisor(windows_.w.kernel), bytes_,
                                  static_cast<Dtype*>(plain)});
}

template class WindowPlaces<float>;
template class WindowPlaces<double>;

}  // namespace caffe
