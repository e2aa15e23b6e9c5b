#ifndef CAFFE_SRC_CORE_REORDER_HPP_
#define CAFFE_SRC_CORE_REORDER_HPP_

#include "core/channel_layout.hpp"

namespace caffe {

/// Reorder() where the values are: on the host or, queued, on the GPU.
void ReorderAt(Place place, const ChannelLayout& from, const void* source, const ChannelLayout& to,
               void* target);

#ifndef CPU_ONLY
/// Reorder() of values on the GPU, queued on the thread's stream.
void ReorderOnGpu(const ChannelLayout& from, const void* source, const ChannelLayout& to,
                  void* target);
#endif

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_REORDER_HPP_
