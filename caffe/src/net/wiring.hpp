#ifndef CAFFE_SRC_NET_WIRING_HPP_
#define CAFFE_SRC_NET_WIRING_HPP_

#include <set>

#include "caffe/net.hpp"

namespace caffe {

template <typename Dtype>
struct Net<Dtype>::Wiring {
  /// Index of the newest blob of each name.
  map<string, int> blob_index;
  /// Blobs that no layer has read so far.
  set<string> unread;
  /// Bytes of all tops.
  size_t memory = 0;
  /// Layers whose Backward may be called.
  vector<bool> may_go_back;
  bool force_backward = false;
  /// Of each blob: what has to stay of the values that it has now.
  map<int, BlobValues> needed;
};

}  // namespace caffe

#endif  // CAFFE_SRC_NET_WIRING_HPP_
