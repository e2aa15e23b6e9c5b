#ifndef CAFFE_SRC_UTIL_DEVICE_ROWS_CUH_
#define CAFFE_SRC_UTIL_DEVICE_ROWS_CUH_

/// rows.hpp on the GPU: copies of parts of blobs, seen as rows of equal length.

#include "util/device_loops.cuh"

namespace caffe {

/// Element i of rows one behind the other, between places whose rows are a stride apart.
template <typename Dtype>
struct CopyRowElement {
  int length;
  const Dtype* from;
  int from_stride;
  Dtype* to;
  int to_stride;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int row = i / length;
    const int k = i % length;
    to[std::ptrdiff_t(row) * to_stride + k] = from[std::ptrdiff_t(row) * from_stride + k];
  }
};

template <typename Dtype>
void CopyRowsOnGpu(int rows, int length, const Dtype* from, int from_stride, Dtype* to,
                   int to_stride) {
  ForElements(std::ptrdiff_t(rows) * length,
              CopyRowElement<Dtype>{length, from, from_stride, to, to_stride});
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

#endif  // CAFFE_SRC_UTIL_DEVICE_ROWS_CUH_
