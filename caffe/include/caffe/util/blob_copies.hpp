#ifndef CAFFE_UTIL_BLOB_COPIES_HPP_
#define CAFFE_UTIL_BLOB_COPIES_HPP_

#include <vector>

#include "caffe/blob.hpp"

namespace caffe {

/// Gives blobs the shapes and data of as many others. Small ones on the GPU are copied by one
/// kernel: a copy of its own would take longer to begin than to do.
void CopyBlobs(const vector<shared_ptr<Blob<float>>>& from,
               const vector<shared_ptr<Blob<float>>>& to);

}  // namespace caffe

#endif  // CAFFE_UTIL_BLOB_COPIES_HPP_
