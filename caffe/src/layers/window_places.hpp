#ifndef CAFFE_SRC_LAYERS_WINDOW_PLACES_HPP_
#define CAFFE_SRC_LAYERS_WINDOW_PLACES_HPP_

/// The mask of MAX pooling as it is kept from Pooling to Upsample and to both gradients, on the GPU
/// and (host_window_places.hpp) on the host: instead of a floating point number a byte for each
/// maximum, which says where in its window it is. Layers that know nothing of this get the numbers
/// (`gpu_data()`, `cpu_data()`), made for them.

#include <cstdint>

#include <boost/make_shared.hpp>

#include "core/channel_layout.hpp"
#include "layers/pooling_kernels.hpp"

namespace caffe {

/// Contents of a mask blob: row * kernel width + column in the window, in the order of channels
/// that the maxima have. Where the bytes are is a derived class's.
class PlacesStore : public LayoutStore {
 public:
  /// For this thread to read or write. Throw Error where they are not on its GPU.
  virtual const std::uint8_t* bytes() const { return bytes_; }
  virtual std::uint8_t* mutable_bytes() { return bytes_; }
  const ChannelLayout& layout() const { return layout_; }
  /// Whether they are of these very windows, in that order.
  bool Has(const ChannelLayout& layout, const PoolWindows& windows) const {
    return layout_ == layout.WithElement(Element::kFloat) && windows_ == windows;
  }

 protected:
  /// Layout: of the maxima.
  PlacesStore(const ChannelLayout& layout, const PoolWindows& windows)
      : layout_(layout.WithElement(Element::kFloat)), windows_(windows) {}

  ChannelLayout layout_;
  PoolWindows windows_;
  std::uint8_t* bytes_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(PlacesStore);
};

/// A mask's places where it is kept in a store of this kind, else null.
template <typename Store, typename Dtype>
Store* PlacesOf(const Blob<Dtype>& mask) {
  return dynamic_cast<Store*>(mask.data()->layout().get());
}

/// A mask's places in these very windows and in that order, or null where no store of this kind
/// keeps them so.
template <typename Store, typename Dtype>
const std::uint8_t* PlacesToRead(const ChannelLayout& layout, const PoolWindows& windows,
                                 const Blob<Dtype>& mask) {
  const Store* kept = PlacesOf<Store>(mask);
  return kept && kept->Has(layout, windows) ? kept->bytes() : nullptr;
}

/// Memory for the new places of a whole mask, in a store of this kind.
template <typename Store, typename Dtype>
std::uint8_t* PlacesToWrite(const ChannelLayout& layout, const PoolWindows& windows,
                            Blob<Dtype>* mask) {
  SyncedMemory& memory = *mask->data();
  shared_ptr<Store> store = boost::dynamic_pointer_cast<Store>(memory.layout());
  if (!store || !store->Has(layout, windows)) {
    store = boost::make_shared<Store>(layout, windows);
  }
  std::uint8_t* const bytes = store->mutable_bytes();
  memory.set_layout(store);
  return bytes;
}

/// In place of a maximum's place where that is not positive, of pooling that does a ReLU's Backward
/// (PoolingLayer::RectifyDiff): no pixel of its window gets a gradient.
constexpr std::uint8_t kNoPlace = 255;

#ifndef CPU_ONLY

/// Those of a mask of Dtype on the GPU.
template <typename Dtype>
class WindowPlaces : public PlacesStore {
 public:
  /// Takes memory; its contents are undefined.
  WindowPlaces(const ChannelLayout& layout, const PoolWindows& windows);
  ~WindowPlaces() override;
  void ToPlain(void* plain) const override;
  int device() const override { return user_.device(); }
  const std::uint8_t* bytes() const override;
  std::uint8_t* mutable_bytes() override;

 private:
  mutable DeviceUser user_;
};

#endif

/// Whether places in such windows can be kept so: they tile the plane, and a byte counts a window's
/// pixels.
inline bool FitBytes(const PoolWindows& windows) {
  return windows.Tile() && windows.h.kernel <= 256 / windows.w.kernel;
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_WINDOW_PLACES_HPP_
