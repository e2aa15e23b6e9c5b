#ifndef CAFFE_SRC_LAYERS_DEVICE_PARTS_HPP_
#define CAFFE_SRC_LAYERS_DEVICE_PARTS_HPP_

/// element_layout.hpp on the GPU: orders of values for layers that read several blobs in one.

#include <algorithm>
#include <vector>

#include "gpu/layout.hpp"

namespace caffe {

/// The elements of all blobs, or float where they differ.
template <typename Dtype>
Element CommonElementOnGpu(const std::vector<Blob<Dtype>*>& blobs, Part part) {
  const Element element = StoredOnGpu(*blobs[0], part).element;
  const bool common = std::all_of(blobs.begin(), blobs.end(), [&](const Blob<Dtype>* blob) {
    return StoredOnGpu(*blob, part).element == element;
  });
  return common ? element : Element::kFloat;
}

/// For blobs of one shape: the order of the first.
template <typename Dtype>
ChannelLayout CommonLayoutOnGpu(const std::vector<Blob<Dtype>*>& blobs, Part part) {
  return StoredOnGpu(*blobs[0], part).WithElement(CommonElementOnGpu(blobs, part));
}

/// How blobs that stand one behind the other along an axis are copied to or from the whole.
struct PartsOnGpu {
  bool channels_last;
  Element element;

  /// The order of a part, or of the whole.
  template <typename Dtype>
  ChannelLayout LayoutOf(const Blob<Dtype>& blob) const {
    return channels_last ? ChannelsLast(blob, element) : PlainLayout(blob);
  }
  /// What is copied at a time of a part along that axis: from its first to its last element there.
  template <typename Dtype>
  int RowOf(const Blob<Dtype>& blob, int axis) const {
    return channels_last && axis == 1 ? blob.shape(1) : blob.count(axis);
  }
};

/// In channels-last order, where a source is and no part would be filled up.
template <typename Dtype>
PartsOnGpu PartsOf(const std::vector<Blob<Dtype>*>& parts, int axis,
                   const std::vector<Blob<Dtype>*>& sources, Part part) {
  const bool last = std::any_of(sources.begin(), sources.end(), [&](const Blob<Dtype>* blob) {
    return !StoredOnGpu(*blob, part).plain();
  });
  const bool whole_packs = std::all_of(parts.begin(), parts.end(), [](const Blob<Dtype>* blob) {
    return PlainLayout(*blob).channels % kChannelsAtOnce == 0;
  });
  const bool channels_last = last && whole_packs && axis <= 1;
  return {channels_last, channels_last ? CommonElementOnGpu(sources, part) : Element::kFloat};
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_DEVICE_PARTS_HPP_
