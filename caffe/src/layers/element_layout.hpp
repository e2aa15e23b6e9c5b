#ifndef CAFFE_SRC_LAYERS_ELEMENT_LAYOUT_HPP_
#define CAFFE_SRC_LAYERS_ELEMENT_LAYOUT_HPP_

/// Orders of values for layers that can work in any, as long as all their blobs have the same.

#include <vector>

#include "core/channel_layout.hpp"

namespace caffe {

/// The blob's shape, with the order of blocks of that many channels.
template <typename Dtype>
ChannelLayout LayoutInBlocks(const Blob<Dtype>& blob, int block,
                             Element element = Element::kFloat) {
  ChannelLayout layout = PlainLayout(blob).WithElement(element);
  layout.block = block;
  return layout;
}

/// The order to apply a function to every element in.
template <typename Dtype>
ChannelLayout StoredElementLayout(const Blob<Dtype>& blob, Part part = Part::kData) {
  return UnfilledLayout(blob, part, Place::kHost);
}
/// The same with elements of type Dtype.
template <typename Dtype>
ChannelLayout ElementLayout(const Blob<Dtype>& blob, Part part = Part::kData) {
  return StoredElementLayout(blob, part).WithElement(Element::kFloat);
}

/// bfloat16 where all sources are kept so, else float.
template <typename Dtype>
Element ElementOfParts(const std::vector<Blob<Dtype>*>& sources, Part part) {
  for (const Blob<Dtype>* source : sources) {
    if (StoredLayout(*source, part).element != Element::kBFloat16) return Element::kFloat;
  }
  return Element::kBFloat16;
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_ELEMENT_LAYOUT_HPP_
