#ifndef CAFFE_SRC_LAYERS_POOLING_LOOPS_HPP_
#define CAFFE_SRC_LAYERS_POOLING_LOOPS_HPP_

/// Loops of the pooling kernels on the host.

#include "caffe/util/parallel_for.hpp"
#include "layers/pooling_kernels.hpp"
#include "util/simd.hpp"

namespace caffe {

/// Rows of outputs [first, last) of one plane.
struct Rows {
  int first, last;
};

/// A loop over the outputs of some rows of one plane: body(output, its row and column, rows [h0,
/// h1) and columns [w0, w1) of its window).
template <typename Body>
inline void EachWindow(const PoolWindows& windows, const Rows& rows, const Body& body) {
  std::ptrdiff_t output = std::ptrdiff_t(rows.first) * windows.w.out;
  for (int oh = rows.first; oh < rows.last; ++oh) {
    const int h0 = windows.h.Begin(oh), h1 = windows.h.End(oh);
    for (int ow = 0; ow < windows.w.out; ++ow, ++output) {
      body(output, oh, ow, h0, h1, windows.w.Begin(ow), windows.w.End(ow));
    }
  }
}

/// Calls kernel(plane, rows) for all rows of outputs, on several threads. Channels-last images are
/// one plane each.
template <typename Kernel>
void EachRows(const ChannelLayout& layout, const PoolWindows& windows, const Kernel& kernel) {
  const int rows = windows.h.out;
  const std::ptrdiff_t work = layout.plane_size() / std::max(1, rows);
  ParallelFor(layout.planes() * rows, 1 + kElementwiseGrain / 4 / std::max<std::ptrdiff_t>(1, work),
              [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (int count; begin < end; begin += count) {
                  const int first = static_cast<int>(begin % rows);
                  count = static_cast<int>(std::min<std::ptrdiff_t>(rows - first, end - begin));
                  kernel(begin / rows, Rows{first, first + count});
                }
              });
}

/// Whether the kernels of lanes can be used.
inline bool InLanes(const ChannelLayout& layout) { return layout.block % kLanes == 0; }

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_POOLING_LOOPS_HPP_
