#ifndef CAFFE_SRC_CORE_BLOB_PROTO_HPP_
#define CAFFE_SRC_CORE_BLOB_PROTO_HPP_

#include <vector>

#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// The shape of the blob in a message. Throws Error where that holds another number of values (or
/// of diffs, if any): sizes that a file claims are checked before memory is taken for them.
std::vector<int> CheckedShape(const BlobProto& proto);

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_BLOB_PROTO_HPP_
