#ifndef CAFFE_SRC_UTIL_COPY_ELEMENTS_HPP_
#define CAFFE_SRC_UTIL_COPY_ELEMENTS_HPP_

#include <cstring>

#include "caffe/util/parallel_for.hpp"

namespace caffe {

/// Copies n elements from host memory to other host memory, on several threads. Unlike that of
/// caffe_copy, n may be above INT_MAX, as a ChannelLayout with padded channels may need it.
template <typename Dtype>
void CopyElements(std::ptrdiff_t n, const Dtype* from, Dtype* to) {
  ParallelFor(n, 4 * kElementwiseGrain, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
    std::memcpy(to + begin, from + begin, sizeof(Dtype) * (end - begin));
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_COPY_ELEMENTS_HPP_
