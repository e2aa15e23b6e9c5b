#ifndef CAFFE_SRC_UTIL_CLASS_BLOCKS_HPP_
#define CAFFE_SRC_UTIL_CLASS_BLOCKS_HPP_

#include <algorithm>
#include <cstddef>

#include "caffe/util/parallel_for.hpp"

namespace caffe {

/// Most positions of a block of ForClassBlocks: small enough for arrays on the stack.
const int kClassBlock = 256;

/// Walks through scores of shape outer x classes x inner in blocks of positions.
///
/// Calls body(start, position, length): the scores of class c at the block's positions stand at
/// start + c * inner + [0, length); the labels (outer x inner) at position + [0, length). With
/// inner > 1 the loops over a block read memory in order, which lets them be vectorised. Without
/// classes there are no scores, and no calls.
template <typename Body>
void ForClassBlocks(int outer, int classes, int inner, const Body& body) {
  if (classes == 0) return;
  const int blocks = (inner + kClassBlock - 1) / kClassBlock;
  const std::ptrdiff_t work = std::ptrdiff_t(classes) * std::min(inner, kClassBlock);
  ParallelFor(std::ptrdiff_t(outer) * blocks,
              kElementwiseGrain / std::max<std::ptrdiff_t>(work, 1) + 1,
              [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (std::ptrdiff_t i = begin; i < end; ++i) {
                  const std::ptrdiff_t item = i / blocks;
                  const int first = static_cast<int>(i % blocks) * kClassBlock;
                  body(item * classes * inner + first, item * inner + first,
                       std::min(kClassBlock, inner - first));
                }
              });
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_CLASS_BLOCKS_HPP_
