#ifndef CAFFE_UTIL_LAYOUT_COUNT_HPP_
#define CAFFE_UTIL_LAYOUT_COUNT_HPP_

#include <cstdint>

namespace caffe {

/// How many blobs the process has copied from one order of values in memory into another so far:
/// work that is done for no result. `caffe time` shows which layers ask for it.
int64_t LayoutReorders();

}  // namespace caffe

#endif  // CAFFE_UTIL_LAYOUT_COUNT_HPP_
