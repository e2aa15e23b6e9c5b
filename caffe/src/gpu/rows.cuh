#ifndef CAFFE_SRC_GPU_ROWS_CUH_
#define CAFFE_SRC_GPU_ROWS_CUH_

/// rows.hpp on the GPU: copies of parts of blobs, seen as rows of equal length.

#include "gpu/vectors.cuh"
#include "util/divisor.hpp"

namespace caffe {

/// Element i of rows one behind the other, between places whose rows are a stride apart.
template <typename Unit>
struct CopyRowElement {
  int length;
  Divisor by_length;
  const Unit* from;
  int from_stride;
  Unit* to;
  int to_stride;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int row = by_length.Quotient(i), k = by_length.Remainder(i);
    to[std::ptrdiff_t(row) * to_stride + k] = from[std::ptrdiff_t(row) * from_stride + k];
  }
};

template <typename T>
void CopyRowsOnGpu(int rows, int length, const T* from, int from_stride, T* to, int to_stride) {
  const bool packs = InPacks<T>(length) && InPacks<T>(from_stride) && InPacks<T>(to_stride) &&
                     Aligned(from) && Aligned(to);
  WithUnit<T>(packs, [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const int size = Unit::kSize;
    ForElements(std::ptrdiff_t(rows) * length / size,
                CopyRowElement<Unit>{length / size, Divisor(length / size), AsUnits<Unit>(from),
                                     from_stride / size, AsUnits<Unit>(to), to_stride / size});
  });
}

/// Row i of `to` becomes row indices[i] of `from`.
template <typename Dtype>
struct GatherRowElement {
  int length;
  const int* indices;
  const Dtype* from;
  Dtype* to;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    to[i] = from[std::ptrdiff_t(indices[i / length]) * length + i % length];
  }
};

/// Row indices[i] of `to` becomes row i of `from`; the indices differ from each other.
template <typename Dtype>
struct ScatterRowElement {
  int length;
  const int* indices;
  const Dtype* from;
  Dtype* to;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    to[std::ptrdiff_t(indices[i / length]) * length + i % length] = from[i];
  }
};

/// Column k: adds row i of `from` to row indices[i] of `to`, for all rows in their order. A column
/// belongs to one thread, so that rows with one index are added in a fixed order.
template <typename Dtype>
struct AddColumnToRows {
  int rows, length;
  const int* indices;
  const Dtype* from;
  Dtype* to;
  CAFFE_HOST_DEVICE void operator()(int k) const {
    for (int i = 0; i < rows; ++i) {
      to[std::ptrdiff_t(indices[i]) * length + k] += from[std::ptrdiff_t(i) * length + k];
    }
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_ROWS_CUH_
