#ifndef CAFFE_SRC_LAYERS_HOST_WINDOW_PLACES_HPP_
#define CAFFE_SRC_LAYERS_HOST_WINDOW_PLACES_HPP_

/// The places of MAX pooling's maxima as window_places.hpp has them, on the host: a byte for each.
/// A mask is kept so where blobs keep blocks of channels.

#include <cstdint>

#include "layers/window_places.hpp"

namespace caffe {

/// Those of a mask of Dtype on the host.
template <typename Dtype>
class HostWindowPlaces : public PlacesStore {
 public:
  /// Takes memory; its contents are undefined.
  HostWindowPlaces(const ChannelLayout& layout, const PoolWindows& windows);
  ~HostWindowPlaces() override;
  void ToPlain(void* plain) const override;

 private:
  bool pinned_ = false;
};

/// Whether Pooling keeps a mask so, for values in that order.
bool KeepsPlaces(const ChannelLayout& layout, const PoolWindows& windows);

// Kernels over large planes that the windows tile and small ones of a value for each window, of
// FitBytes. Values may be kept as BFloat16 (T).

/// small = maximum of each window, places = that of its first occurrence or, with `rectifies`,
/// kNoPlace where it is not positive. Layout: of `large`.
template <typename Dtype, typename T>
void MaximaAndPlaces(const ChannelLayout& layout, const PoolWindows& windows, bool rectifies,
                     const T* large, T* small, std::uint8_t* places);
/// large = in each window the small value at its place, 0 elsewhere.
template <typename Dtype, typename T>
void FillWindows(const ChannelLayout& layout, const PoolWindows& windows, const T* small,
                 const std::uint8_t* places, T* large);
/// small = what each window has at its place, in the order of KeepsPlaces.
template <typename Dtype, typename T>
void GatherFromWindows(const ChannelLayout& layout, const PoolWindows& windows, const T* large,
                       const std::uint8_t* places, T* small);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_HOST_WINDOW_PLACES_HPP_
