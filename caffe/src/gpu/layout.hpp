#ifndef CAFFE_SRC_GPU_LAYOUT_HPP_
#define CAFFE_SRC_GPU_LAYOUT_HPP_

/// channel_layout.hpp on the GPU, which knows two orders: the plain one, of float or double, and
/// channels-last, of float or 16 bits a value, in which tensor cores multiply.

#include "core/channel_layout.hpp"

namespace caffe {

/// Channels of a pixel are filled up to a multiple of this, so that 16 bytes are read at once.
constexpr int kChannelsAtOnce = 8;

inline int FilledChannels(int channels) {
  return (channels + kChannelsAtOnce - 1) / kChannelsAtOnce * kChannelsAtOnce;
}

/// A blob's channels-last order: the channels of a pixel one behind the other.
template <typename Dtype>
ChannelLayout ChannelsLast(const Blob<Dtype>& blob, Element element) {
  ChannelLayout layout = PlainLayout(blob).WithElement(element);
  layout.block = FilledChannels(layout.channels);
  return layout;
}

/// The order in which the blob's newest values are kept on the GPU, for layers that work in any:
/// plain, or channels-last without filling.
template <typename Dtype>
ChannelLayout StoredOnGpu(const Blob<Dtype>& blob, Part part = Part::kData) {
  return UnfilledLayout(blob, part, Place::kGpu);
}

/// ReadAs and WriteAs of channel_layout.hpp on the GPU.
template <typename T, typename Dtype>
const T* ReadOnGpu(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part = Part::kData) {
  DCHECK(layout.element == ElementOf<T>());
  return static_cast<const T*>(ReadBytes(layout, blob, part, Place::kGpu));
}
template <typename T, typename Dtype>
T* WriteOnGpu(const ChannelLayout& layout, Blob<Dtype>* blob, Part part = Part::kData) {
  DCHECK(layout.element == ElementOf<T>());
  return static_cast<T*>(WriteBytes(layout, blob, part, Place::kGpu));
}

/// VisitElements for code of the GPU, which knows Float16, too.
template <typename Dtype, typename Body>
void VisitOnGpu(const ChannelLayout& layout, const Body& body) {
  if constexpr (std::is_same<Dtype, float>::value) {
    if (layout.element == Element::kFloat16) return body(Float16());
  }
  VisitElements<Dtype>(layout, body);
}

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_LAYOUT_HPP_
