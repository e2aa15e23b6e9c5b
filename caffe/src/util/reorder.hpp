#ifndef CAFFE_SRC_UTIL_REORDER_HPP_
#define CAFFE_SRC_UTIL_REORDER_HPP_

#include "util/channel_layout.hpp"

namespace caffe {

/// Reorder() where the values are: on the host or, queued, on the GPU.
void ReorderAt(Place place, const ChannelLayout& from, const void* source, const ChannelLayout& to,
               void* target);

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_REORDER_HPP_
