#ifndef CAFFE_SRC_LAYERS_SHARED_MEMORY_HPP_
#define CAFFE_SRC_LAYERS_SHARED_MEMORY_HPP_

/// For layers whose blobs lie in the memory of others: which diffs may, and how the rest is passed.
/// Memory is shared in Reshape only, so that chains of such layers agree on it before anybody
/// writes there, and what a program has of it (a NumPy array) stays the blob's.

#include <algorithm>

#include "caffe/layer.hpp"

namespace caffe {

/// Whether a layer's file lets a bottom get a diff; force_backward asks for it all the same.
inline bool MayPassDiff(const LayerParameter& layer, int bottom) {
  return bottom >= layer.propagate_down_size() || layer.propagate_down(bottom);
}

/// Makes the only top of a layer another name of the only bottom. Its diff stays apart where the
/// bottom is to get none, and where it holds the loss weights, which have to last: a layer before
/// that works in place writes over the bottom's.
template <typename Dtype>
void ShareMemory(const LayerParameter& layer, const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  top->ShareData(bottom);
  const auto& weights = layer.loss_weight();
  const bool is_loss = std::any_of(weights.begin(), weights.end(), [](float w) { return w != 0; });
  if (MayPassDiff(layer, 0) && !is_loss) top->ShareDiff(bottom);
}

/// Copies a diff of as many values, unless both are one memory.
template <typename Dtype>
void PassDiff(const Blob<Dtype>& from, Blob<Dtype>* to) {
  if (to->diff() == from.diff()) return;
  if (Caffe::mode() == Caffe::GPU) {
    caffe_copy(to->count(), from.gpu_diff(), to->mutable_gpu_diff());
  } else {
    caffe_copy(to->count(), from.cpu_diff(), to->mutable_cpu_diff());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_SHARED_MEMORY_HPP_
