#ifndef CAFFE_SRC_UTIL_ROWS_HPP_
#define CAFFE_SRC_UTIL_ROWS_HPP_

/// Loops over rows of equal length, and copies of parts of blobs, seen as such: what Concat, Slice,
/// Tile, BatchReindex and Filter consist of.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "caffe/util/parallel_for.hpp"

namespace caffe {

/// Runs body(row) for every row, on as many threads as rows of `length` elements are worth.
template <typename Body>
void ForRows(std::ptrdiff_t rows, std::ptrdiff_t length, const Body& body) {
  const std::ptrdiff_t grain = kElementwiseGrain / std::max<std::ptrdiff_t>(length, 1) + 1;
  ParallelFor(rows, grain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t row = begin; row < end; ++row) body(row);
  });
}

/// Copies rows whose starts lie from_stride (to_stride) elements apart.
template <typename Dtype>
void CopyRows(std::ptrdiff_t rows, std::ptrdiff_t length, const Dtype* from,
              std::ptrdiff_t from_stride, Dtype* to, std::ptrdiff_t to_stride) {
  ForRows(rows, length, [=](std::ptrdiff_t row) {
    std::memcpy(to + row * to_stride, from + row * from_stride, sizeof(Dtype) * length);
  });
}

/// Row i of `to` becomes row indices[i] of `from`.
template <typename Dtype>
void GatherRows(const std::vector<int>& indices, std::ptrdiff_t length, const Dtype* from,
                Dtype* to) {
  ForRows(indices.size(), length, [&](std::ptrdiff_t row) {
    std::memcpy(to + row * length, from + indices[row] * length, sizeof(Dtype) * length);
  });
}

/// Row indices[i] of `to` becomes row i of `from`; the indices differ from each other.
template <typename Dtype>
void ScatterRows(const std::vector<int>& indices, std::ptrdiff_t length, const Dtype* from,
                 Dtype* to) {
  ForRows(indices.size(), length, [&](std::ptrdiff_t row) {
    std::memcpy(to + indices[row] * length, from + row * length, sizeof(Dtype) * length);
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_ROWS_HPP_
