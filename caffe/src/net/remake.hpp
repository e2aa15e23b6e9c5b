#ifndef CAFFE_SRC_NET_REMAKE_HPP_
#define CAFFE_SRC_NET_REMAKE_HPP_

#include "net/liveness.hpp"

namespace caffe {

/// Of each blob, the layer that makes its data again in Backward, so that they can be freed after
/// their last use in Forward: large blobs that are long not used, of layers that can do that
/// (RemakesTop). -1: none, they are kept. (Known as recomputation, or gradient checkpointing.)
///
/// `data_end`: of each blob, the step after which its data is freed at the latest.
template <typename Dtype>
vector<int> FindRemakers(const Net<Dtype>& net, const vector<LiveRange>& live,
                         const vector<int>& data_end);

}  // namespace caffe

#endif  // CAFFE_SRC_NET_REMAKE_HPP_
