#ifndef CAFFE_SRC_NET_LIVENESS_HPP_
#define CAFFE_SRC_NET_LIVENESS_HPP_

/// Liveness of a net's blobs: in which steps of an iteration their values are used. Layer i of n
/// runs forward in step i, and backward in step 2 n - 1 - i.

#include <algorithm>
#include <limits>

#include "caffe/net.hpp"
#include "core/own_layers.hpp"

namespace caffe {

/// After the last step.
const int kNever = std::numeric_limits<int>::max();

template <typename Dtype>
int LayersOf(const Net<Dtype>& net) {
  return static_cast<int>(net.layers().size());
}
template <typename Dtype>
int BackwardStep(const Net<Dtype>& net, int layer) {
  return 2 * LayersOf(net) - 1 - layer;
}

/// The steps in which a blob's data are used: first and last ones of a pass.
struct LiveRange {
  int last_forward = -1;
  int first_backward = kNever;
  int last_backward = -1;

  int end() const { return std::max(last_forward, last_backward); }
};

/// Calls visit(blob_id) for the blobs whose data the Backward of a layer reads; of layers that are
/// not the runtime's own, all that it may read.
template <typename Dtype, typename Visit>
void VisitReadBackward(const Net<Dtype>& net, int layer_id, const Visit& visit) {
  const Layer<Dtype>& layer = *net.layers()[layer_id];
  const vector<int>& bottoms = net.bottom_ids(layer_id);
  const vector<int>& tops = net.top_ids(layer_id);
  const bool all = !IsOwn(layer);
  for (size_t i = 0; i < bottoms.size(); ++i) {
    if (all || layer.BackwardReadsBottom(static_cast<int>(i))) visit(bottoms[i]);
  }
  for (size_t i = 0; i < tops.size(); ++i) {
    if (all || layer.BackwardReadsTop(static_cast<int>(i))) visit(tops[i]);
  }
}

/// Of each blob; `goes_back`: whether Backward will be called.
template <typename Dtype>
vector<LiveRange> LiveRanges(const Net<Dtype>& net, bool goes_back) {
  vector<LiveRange> ranges(net.blobs().size());
  for (int layer = 0; layer < LayersOf(net); ++layer) {
    for (const int blob : net.bottom_ids(layer)) ranges[blob].last_forward = layer;
    for (const int blob : net.top_ids(layer)) ranges[blob].last_forward = layer;
    if (!goes_back || !net.layer_need_backward()[layer] || net.is_fused_backward(layer)) {
      continue;
    }
    VisitReadBackward(net, layer, [&](int blob) {
      LiveRange& range = ranges[blob];
      range.first_backward = BackwardStep(net, layer);  // layers go down backward
      range.last_backward = std::max(range.last_backward, range.first_backward);
    });
  }
  return ranges;
}

/// Of each blob, the first layer that writes it; -1: none.
template <typename Dtype>
vector<int> FirstWriters(const Net<Dtype>& net) {
  vector<int> writers(net.blobs().size(), -1);
  for (int layer = LayersOf(net) - 1; layer >= 0; --layer) {
    for (const int blob : net.top_ids(layer)) writers[blob] = layer;
  }
  return writers;
}

/// Of each blob, the layer that computes its final values; -1: none.
template <typename Dtype>
vector<int> LastWriters(const Net<Dtype>& net) {
  vector<int> writers(net.blobs().size(), -1);
  for (int layer = 0; layer < LayersOf(net); ++layer) {
    if (net.is_fused(layer)) continue;
    for (const int blob : net.top_ids(layer)) writers[blob] = layer;
  }
  return writers;
}

}  // namespace caffe

#endif  // CAFFE_SRC_NET_LIVENESS_HPP_
