#ifndef CAFFE_SRC_NET_FORWARD_SHAPES_HPP_
#define CAFFE_SRC_NET_FORWARD_SHAPES_HPP_

#include "caffe/net.hpp"

namespace caffe {

/// The shapes of blobs when the layers around them last ran forward: Backward works on what Forward
/// has left, in memory and by sizes that fit these.
template <typename Dtype>
class ForwardShapes {
 public:
  explicit ForwardShapes(const Net<Dtype>& net) : net_(net) {}

  /// Notes those of layers start..end, which have run forward.
  void Note(int start, int end);
  /// Throws where layers start down to end are to run backward and have blobs of other shapes.
  void Check(int start, int end) const;

 private:
  const Net<Dtype>& net_;
  /// Of each layer that goes back: of its bottoms, and then its tops.
  vector<vector<vector<int>>> shapes_;
};

}  // namespace caffe

#endif  // CAFFE_SRC_NET_FORWARD_SHAPES_HPP_
