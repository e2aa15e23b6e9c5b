#ifndef CAFFE_SRC_NET_RECOMPUTE_HPP_
#define CAFFE_SRC_NET_RECOMPUTE_HPP_

#include "net/liveness.hpp"

namespace caffe {

/// Of each blob, the layer that recomputes its data in Backward, so that they can be freed after
/// their last use in Forward: large blobs that are long not used, of layers that can do that
/// (RecomputesTop). -1: none, they are kept. (Known as gradient checkpointing.)
///
/// `data_end`: of each blob, the step after which its data is freed at the latest.
template <typename Dtype>
vector<int> FindRecomputers(const Net<Dtype>& net, const vector<LiveRange>& live,
                            const vector<int>& data_end);

}  // namespace caffe

#endif  // CAFFE_SRC_NET_RECOMPUTE_HPP_
