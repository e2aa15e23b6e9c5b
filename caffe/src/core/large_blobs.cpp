#include "core/large_blobs.hpp"

namespace caffe {

LargeBlobs& LargeBlobs::Get() {
  static LargeBlobs sizes;
  return sizes;
}

}  // namespace caffe
