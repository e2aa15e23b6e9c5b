#ifndef CAFFE_SRC_LAYERS_ELEMENT_SUMS_HPP_
#define CAFFE_SRC_LAYERS_ELEMENT_SUMS_HPP_

/// Several arrays of one size made into one, element by element, and one into several: what Eltwise
/// computes, and Split backward.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/parallel_for.hpp"

namespace caffe {

/// Elements computed together: few enough for a block of the result to stay in the first-level
/// cache while all arrays go into it.
const std::ptrdiff_t kElementBlock = 2048;

/// Calls body(begin, end) for all blocks, on several threads.
template <typename Body>
void ForElementBlocks(std::ptrdiff_t count, const Body& body) {
  ParallelFor(count, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t block = begin; block < end; block += kElementBlock) {
      body(block, std::min(end, block + kElementBlock));
    }
  });
}

// Elements are kept as T (float, double or BFloat16) and computed with in Dtype.

/// y = coeffs[0] x[0] + coeffs[1] x[1] + ..., all of `count` elements; where that is not positive
/// it is multiplied by `slope`. y may be x[0].
template <typename Dtype, typename T>
void SumElements(const vector<const T*>& x, const vector<Dtype>& coeffs, std::ptrdiff_t count, T* y,
                 Dtype slope = 1);
/// The gradient of that: dx[k] = coeffs[k] g for all k whose dx is not null, with g = dy where y is
/// positive and slope * dy elsewhere. For a slope of 1 y is not read. A dx may be dy.
template <typename Dtype, typename T>
void SpreadElements(const T* dy, const T* y, Dtype slope, const vector<Dtype>& coeffs,
                    std::ptrdiff_t count, const vector<T*>& dx);

/// y = x[0] x[1] ...
template <typename Dtype, typename T>
void MultiplyElements(const vector<const T*>& x, std::ptrdiff_t count, T* y);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_ELEMENT_SUMS_HPP_
