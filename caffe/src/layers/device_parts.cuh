#ifndef CAFFE_SRC_LAYERS_DEVICE_PARTS_CUH_
#define CAFFE_SRC_LAYERS_DEVICE_PARTS_CUH_

/// Blobs that stand one behind the other along an axis, copied into a whole and out of it: what
/// Concat and Slice consist of, each the other's gradient.

#include <vector>

#include "gpu/rows.cuh"
#include "layers/device_parts.hpp"

namespace caffe {

/// Calls copy(rows, i, length of part i's rows, its first element in the whole, length of the
/// whole's rows) for every part.
template <typename Dtype, typename Copy>
void ForParts(const PartsOnGpu& of, const std::vector<Blob<Dtype>*>& parts, int axis,
              const Blob<Dtype>& whole, const Copy& copy) {
  const int whole_row = of.RowOf(whole, axis);
  const int rows = whole_row ? whole.count() / whole_row : 0;
  std::ptrdiff_t first = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const int row = of.RowOf(*parts[i], axis);
    copy(rows, i, row, first, whole_row);
    first += row;
  }
}

/// whole = the parts.
template <typename Dtype>
void JoinOnGpu(const std::vector<Blob<Dtype>*>& parts, int axis, Part part, Blob<Dtype>* whole) {
  const PartsOnGpu of = PartsOf(parts, axis, parts, part);
  const ChannelLayout layout = of.LayoutOf(*whole);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    T* to = WriteOnGpu<T>(layout, whole, part);
    ForParts(of, parts, axis, *whole,
             [&](int rows, size_t i, int row, std::ptrdiff_t first, int whole_row) {
               const T* from = ReadOnGpu<T>(of.LayoutOf(*parts[i]), *parts[i], part);
               CopyRowsOnGpu(rows, row, from, row, to + first, whole_row);
             });
  });
}

/// The parts that are wanted = the whole.
template <typename Dtype>
void CutOnGpu(Blob<Dtype>* whole, int axis, Part part, const std::vector<bool>& wanted,
              const std::vector<Blob<Dtype>*>& parts) {
  const PartsOnGpu of = PartsOf(parts, axis, std::vector<Blob<Dtype>*>{whole}, part);
  const ChannelLayout layout = of.LayoutOf(*whole);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* from = ReadOnGpu<T>(layout, *whole, part);
    ForParts(of, parts, axis, *whole,
             [&](int rows, size_t i, int row, std::ptrdiff_t first, int whole_row) {
               if (!wanted[i]) return;
               T* to = WriteOnGpu<T>(of.LayoutOf(*parts[i]), parts[i], part);
               CopyRowsOnGpu(rows, row, from + first, whole_row, to, row);
             });
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_DEVICE_PARTS_CUH_
