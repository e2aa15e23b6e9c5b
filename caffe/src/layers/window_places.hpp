#ifndef CAFFE_SRC_LAYERS_WINDOW_PLACES_HPP_
#define CAFFE_SRC_LAYERS_WINDOW_PLACES_HPP_

/// The mask of MAX pooling as it is kept on the GPU from Pooling to Upsample and to both gradients:
/// instead of a floating point number a byte for each maximum, which says where in its window it
/// is. Layers that know nothing of this get the numbers (`gpu_data()`, `cpu_data()`), made for
/// them.

#include <cstdint>
#include <thread>

#include "layers/pooling_kernels.hpp"
#include "util/channel_layout.hpp"

namespace caffe {

/// Contents of a mask blob of Dtype, on the GPU: row * kernel width + column in the window, in the
/// order of channels that the maxima have.
template <typename Dtype>
class WindowPlaces : public LayoutStore {
 public:
  /// Takes memory; its contents are undefined. Layout: of the maxima.
  WindowPlaces(const ChannelLayout& layout, const PoolWindows& windows);
  ~WindowPlaces() override;
  void ToPlain(void* plain) const override;
  bool on_gpu() const override { return true; }

  std::uint8_t* bytes() const { return bytes_; }
  bool Has(const ChannelLayout& layout, const PoolWindows& windows) const {
    return layout_ == layout.WithElement(Element::kFloat) && windows_ == windows;
  }

 private:
  ChannelLayout layout_;
  PoolWindows windows_;
  std::uint8_t* bytes_;
  int device_ = -1;
  std::thread::id user_;

  DISABLE_COPY_AND_ASSIGN(WindowPlaces);
};

/// Whether places in such windows can be kept so: they tile the plane, and a byte counts a window's
/// pixels.
inline bool FitBytes(const PoolWindows& windows) {
  return windows.Tile() && windows.h.kernel <= 256 / windows.w.kernel;
}

/// Memory for the new places of a whole mask, of FitBytes.
template <typename Dtype>
std::uint8_t* WritePlaces(const ChannelLayout& layout, const PoolWindows& windows,
                          Blob<Dtype>* mask);
/// A mask's places in these very windows and in that order, or null where it is not kept so.
template <typename Dtype>
const std::uint8_t* ReadPlaces(const ChannelLayout& layout, const PoolWindows& windows,
                               const Blob<Dtype>& mask);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_WINDOW_PLACES_HPP_
