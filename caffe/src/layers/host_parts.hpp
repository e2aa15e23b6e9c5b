#ifndef CAFFE_SRC_LAYERS_HOST_PARTS_HPP_
#define CAFFE_SRC_LAYERS_HOST_PARTS_HPP_

/// Blobs that stand one behind the other along an axis, copied into a whole and out of it: what
/// Concat and Slice consist of, each the other's gradient. On the GPU: device_parts.cuh.

#include <algorithm>
#include <vector>

#include "layers/element_layout.hpp"
#include "util/rows.hpp"
#include "util/simd.hpp"

namespace caffe {

/// The block size in which parts can be copied to or from the whole: that of the memory they come
/// from, or kLanes for channels-last parts of several sizes, if it divides the channels of every
/// part.
template <typename Dtype>
int BlockOfParts(const std::vector<Blob<Dtype>*>& parts, int axis,
                 const std::vector<Blob<Dtype>*>& sources, Part part) {
  if (axis > 1) return 1;
  int block = 1;
  for (const Blob<Dtype>* source : sources) block = std::max(block, LayoutOf(*source, part).block);
  for (const int size : {block, std::min(block, kLanes)}) {
    if (std::all_of(parts.begin(), parts.end(), [size](const Blob<Dtype>* blob) {
          return PlainLayout(*blob).channels % size == 0;
        })) {
      return size;
    }
  }
  return 1;
}

/// whole = the parts.
template <typename Dtype>
void JoinParts(const std::vector<Blob<Dtype>*>& parts, int axis, Part part, Blob<Dtype>* whole) {
  const int block = BlockOfParts(parts, axis, parts, part);
  const Element element = ElementOfParts(parts, part);
  const ChannelLayout layout = LayoutInBlocks(*whole, block, element);
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    T* to = WriteAs<T>(layout, whole, part);
    for (const Blob<Dtype>* one : parts) {
      const int row = one->count(axis);
      const T* from = ReadAs<T>(LayoutInBlocks(*one, block, element), *one, part);
      CopyRows(whole->count(0, axis), row, from, row, to, whole->count(axis));
      to += row;
    }
  });
}

/// The parts that are wanted = the whole.
template <typename Dtype>
void CutParts(Blob<Dtype>* whole, int axis, Part part, const std::vector<bool>& wanted,
              const std::vector<Blob<Dtype>*>& parts) {
  const std::vector<Blob<Dtype>*> source(1, whole);
  const int block = BlockOfParts(parts, axis, source, part);
  const Element element = ElementOfParts(source, part);
  const ChannelLayout layout = LayoutInBlocks(*whole, block, element);
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* from = ReadAs<T>(layout, *whole, part);
    for (size_t i = 0; i < parts.size(); ++i) {
      const int row = parts[i]->count(axis);
      if (wanted[i]) {
        T* to = WriteAs<T>(LayoutInBlocks(*parts[i], block, element), parts[i], part);
        CopyRows(whole->count(0, axis), row, from, whole->count(axis), to, row);
      }
      from += row;
    }
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_HOST_PARTS_HPP_
