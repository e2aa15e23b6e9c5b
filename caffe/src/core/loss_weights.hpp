#ifndef CAFFE_SRC_CORE_LOSS_WEIGHTS_HPP_
#define CAFFE_SRC_CORE_LOSS_WEIGHTS_HPP_

/// Loss weights stand in every element of the diff of a top, where Backward finds them.

#include <algorithm>

#include "caffe/layer.hpp"

namespace caffe {

/// Fills all of the diff's memory, also what a smaller shape leaves over.
template <typename Dtype>
void FillLossWeight(Dtype weight, Blob<Dtype>* top) {
  SyncedMemory& diff = *top->diff();
  Dtype* elements = static_cast<Dtype*>(diff.mutable_cpu_data());
  std::fill_n(elements, diff.size() / sizeof(Dtype), weight);
}

/// After a layer has shaped its tops: fills the diffs that lack their weights, since a larger shape
/// took new memory, or since Backward of the layer, which works in place, wrote over them. Others
/// stay as they are, so that a program may set weights of its own there.
template <typename Dtype>
void RenewLossWeights(const Layer<Dtype>& layer, const vector<Blob<Dtype>*>& bottom,
                      const vector<Blob<Dtype>*>& top) {
  for (size_t i = 0; i < top.size(); ++i) {
    const Dtype weight = layer.loss(static_cast<int>(i));
    if (weight == Dtype(0)) continue;
    const bool is_new = top[i]->diff()->head() == SyncedMemory::UNINITIALIZED;
    const bool in_place = std::find(bottom.begin(), bottom.end(), top[i]) != bottom.end();
    if (is_new || in_place) FillLossWeight(weight, top[i]);
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_LOSS_WEIGHTS_HPP_
