#ifndef CAFFE_SRC_NET_RELEASE_HPP_
#define CAFFE_SRC_NET_RELEASE_HPP_

#include "caffe/net.hpp"

namespace caffe {

/// When the memory of a net's blobs is freed: the steps of an iteration (net/liveness.hpp).
struct ReleasePlan {
  /// Whether anything is.
  bool releases = false;
  /// For each blob, the step after which its data (diff) is not read any more.
  vector<int> data_end, diff_end;
  /// The step in Forward after which its data is freed: data_end, or earlier where it is made
  /// again in Backward, by this layer (-1: it is not).
  vector<int> forward_end, recomputer;
  /// For each step, the blobs whose data (diff) is freed after it.
  vector<vector<int>> data_freed, diff_freed;
  /// For each layer, the blobs that have to be there again for its Backward.
  vector<vector<int>> recomputed;
  /// For each layer, whether it is the runtime's own (core/own_layers.hpp).
  vector<bool> own;
};

/// Frees the blobs between a net's layers after their last use (NetParameter.blob_lifetime), and
/// readies the memory again that a layer is about to write.
template <typename Dtype>
class BlobRelease {
 public:
  explicit BlobRelease(const Net<Dtype>& net) : net_(net) {}

  /// For a net whose layers are set up and fused.
  void Plan(NetParameter::BlobLifetime lifetime);
  const ReleasePlan& plan() const { return plan_; }

  /// Around Forward or Backward of a layer.
  void BeforeForward(int layer_id);
  void AfterForward(int layer_id);
  void BeforeBackward(int layer_id);
  void AfterBackward(int layer_id);

 private:
  /// Makes a blob's data again where that was freed.
  void Recompute(int blob_id);

  const Net<Dtype>& net_;
  ReleasePlan plan_;
};

}  // namespace caffe

#endif  // CAFFE_SRC_NET_RELEASE_HPP_
