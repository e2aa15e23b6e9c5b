#ifndef CAFFE_SRC_NET_FUSION_HPP_
#define CAFFE_SRC_NET_FUSION_HPP_

#include "caffe/net.hpp"

namespace caffe {

/// Layers that an earlier one computes as well, so that memory is passed over once for all of them.
struct Fusion {
  /// Of each layer, whether its Forward (Backward) is another's work.
  vector<bool> fused, fused_backward;
  /// Whether any is.
  bool any = false;
  /// The mode in which they were fused.
  Caffe::Brew mode = Caffe::CPU;

  /// Throws where layers are fused and the thread is in another mode.
  void CheckMode(const string& net) const;
};

/// Fuses the layers of a net where nobody can see what lies between them: unless `visible`, which
/// says that somebody may look at any blob.
template <typename Dtype>
Fusion FuseLayers(const Net<Dtype>& net, NetParameter::BlobLifetime lifetime, bool visible);

}  // namespace caffe

#endif  // CAFFE_SRC_NET_FUSION_HPP_
