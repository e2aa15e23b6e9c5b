// Layers that compute what follows them in place, so that memory is passed over once for all of
// them.
#include <algorithm>

#include "caffe/net.hpp"

namespace caffe {

template <typename Dtype>
void Net<Dtype>::FuseLayers(NetParameter::BlobLifetime lifetime) {
  const int layers = static_cast<int>(layers_.size());
  absorbed_.assign(layers, false);
  absorbed_backward_.assign(layers, false);
  fuses_ = false;
  // Elsewhere somebody may look at a blob between two layers.
  if (lifetime == NetParameter::KEEP || debug_info_) return;
  fused_mode_ = Caffe::mode();
  for (int first = 0; first < layers; ++first) {
    if (top_id_vecs_[first].size() != 1) continue;
    const vector<int>& blob = top_id_vecs_[first];
    for (int next = first + 1; next < layers; ++next) {
      const bool in_place = bottom_id_vecs_[next] == blob && top_id_vecs_[next] == blob;
      const bool backward = lifetime != NetParameter::UNTIL_READ && layer_need_backward_[next];
      if (!in_place || layers_[next]->loss(0) != Dtype(0) ||
          layer_need_backward_[next] != layer_need_backward_[first] ||
          (backward && !bottom_need_backward_[next][0]) ||
          !layers_[first]->Absorb(layers_[next], backward)) {
        break;
      }
      absorbed_[next] = fuses_ = true;
      absorbed_backward_[next] = layers_[first]->BackwardCoversAbsorbed();
    }
    if (lifetime == NetParameter::UNTIL_READ) {
      FuseReader(first);
    } else {
      FuseBackward(first);
    }
  }
}

template <typename Dtype>
int Net<Dtype>::SoleReader(int layer_id) const {
  const int blob = top_id_vecs_[layer_id][0];
  int reader = -1;
  for (int id = 0; id < static_cast<int>(layers_.size()); ++id) {
    const vector<int>& bottoms = bottom_id_vecs_[id];
    if (absorbed_[id] || std::find(bottoms.begin(), bottoms.end(), blob) == bottoms.end()) continue;
    if (reader >= 0) return -1;
    reader = id;
  }
  if (reader < 0 || bottom_id_vecs_[reader].size() != 1 || top_id_vecs_[reader].size() != 1 ||
      top_id_vecs_[reader][0] == blob || layers_[layer_id]->loss(0) != Dtype(0) ||
      layers_[reader]->loss(0) != Dtype(0)) {
    return -1;
  }
  return reader;
}

template <typename Dtype>
void Net<Dtype>::FuseReader(int layer_id) {
  const int reader = SoleReader(layer_id);
  if (reader < 0 || !layers_[layer_id]->AbsorbReader(layers_[reader], top_vecs_[reader][0])) {
    return;
  }
  absorbed_[reader] = absorbed_backward_[reader] = fuses_ = true;
}

template <typename Dtype>
void Net<Dtype>::FuseBackward(int layer_id) {
  const int reader = SoleReader(layer_id);
  if (reader < 0 || !layer_need_backward_[reader] || !bottom_need_backward_[reader][0] ||
      !layers_[layer_id]->LeaveAbsorbedBackward(layers_[reader].get())) {
    return;
  }
  const vector<int>& blob = top_id_vecs_[layer_id];
  for (int id = layer_id + 1; id < reader; ++id) {
    if (absorbed_[id] && top_id_vecs_[id] == blob) absorbed_backward_[id] = true;
  }
}

template <typename Dtype>
void Net<Dtype>::CheckMode() const {
  const auto name = [](Caffe::Brew mode) { return mode == Caffe::GPU ? "GPU" : "CPU"; };
  CHECK(!fuses_ || Caffe::mode() == fused_mode_)
      << "net '" << name_ << "' was made in " << name(fused_mode_)
      << " mode, where its layers were fused, and cannot run in " << name(Caffe::mode())
      << " mode: set the mode before you make the net, or blob_lifetime: KEEP in it "
         "(release_blobs: false in the solver)";
}

#define INSTANTIATE(Dtype)                                          \
  template void Net<Dtype>::FuseLayers(NetParameter::BlobLifetime); \
  template void Net<Dtype>::FuseReader(int);                        \
  template void Net<Dtype>::FuseBackward(int);                      \
  template int Net<Dtype>::SoleReader(int) const;                   \
  template void Net<Dtype>::CheckMode() const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
