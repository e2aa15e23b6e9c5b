#ifndef CAFFE_SRC_CORE_LARGE_BLOBS_HPP_
#define CAFFE_SRC_CORE_LARGE_BLOBS_HPP_

#include <cstddef>

namespace caffe {

/// From which sizes on nets take trouble to spare memory. Tests set them lower, so that small nets
/// go the ways of large ones.
struct LargeBlobs {
  /// Bytes of a blob, as plain values, that are worth the time to recompute it in Backward.
  size_t worth_recomputing = size_t(16) << 20;
  /// Bytes of features that are made and pooled in strips.
  std::ptrdiff_t pooled_in_strips = std::ptrdiff_t(24) << 20;
  /// About the bytes of such a strip, which stays in the cache until it is pooled.
  std::ptrdiff_t strip = std::ptrdiff_t(4) << 20;

  /// Those of the process.
  static LargeBlobs& Get();
};

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_LARGE_BLOBS_HPP_
