#ifndef CAFFE_SRC_UTIL_BLOB_FILE_HPP_
#define CAFFE_SRC_UTIL_BLOB_FILE_HPP_

#include <string>

#include "caffe/blob.hpp"
#include "caffe/util/io.hpp"

namespace caffe {

/// Reads the blob of a file that holds a BlobProto (a mean image, an infogain matrix). Throws Error
/// naming the file.
template <typename Dtype>
void ReadBlobFile(const string& filename, Blob<Dtype>* blob) {
  BlobProto proto;
  ReadProtoFromBinaryFileOrDie(filename, &proto);
  try {
    blob->FromProto(proto);
  } catch (const Error& e) {
    throw Error(filename + ": " + e.what());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_BLOB_FILE_HPP_
