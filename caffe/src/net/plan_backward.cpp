// Which layers Backward has to visit, and which bottoms get a diff.
#include "caffe/net.hpp"

namespace caffe {

template <typename Dtype>
void Net<Dtype>::PlanBackward(const NetParameter& param) {
  PruneBackward();
  if (param.force_backward()) ForceBackward();
}

// Seen from the losses: a blob matters if a layer that matters reads it; a blob that all its
// readers refuse to send a diff to (propagate_down) ends the way back.
template <typename Dtype>
void Net<Dtype>::PruneBackward() {
  set<string> towards_loss;
  set<string> blocked;
  for (int id = static_cast<int>(layers_.size()) - 1; id >= 0; --id) {
    bool contributes = false;
    bool gets_diff = false;
    for (size_t i = 0; i < top_vecs_[id].size(); ++i) {
      const string& name = blob_names_[top_id_vecs_[id][i]];
      contributes |= layers_[id]->loss(i) != 0 || towards_loss.count(name);
      gets_diff |= blocked.count(name) == 0;
    }
    vector<bool>& bottom_needs = bottom_need_backward_[id];
    if (!contributes || (layer_need_backward_[id] && !gets_diff)) {
      layer_need_backward_[id] = false;
      bottom_needs.assign(bottom_needs.size(), false);
    }
    for (size_t i = 0; i < bottom_vecs_[id].size(); ++i) {
      const string& name = blob_names_[bottom_id_vecs_[id][i]];
      if (contributes) towards_loss.insert(name);
      if (!bottom_needs[i]) blocked.insert(name);
    }
  }
}

template <typename Dtype>
void Net<Dtype>::ForceBackward() {
  for (size_t id = 0; id < layers_.size(); ++id) {
    layer_need_backward_[id] = true;
    for (size_t i = 0; i < bottom_vecs_[id].size(); ++i) {
      const bool need = bottom_need_backward_[id][i] || layers_[id]->AllowForceBackward(i);
      bottom_need_backward_[id][i] = need;
      const int blob_id = bottom_id_vecs_[id][i];
      blob_need_backward_[blob_id] = blob_need_backward_[blob_id] || need;
    }
    for (size_t i = 0; i < layers_[id]->blobs().size(); ++i) {
      layers_[id]->set_param_propagate_down(i, true);
    }
  }
}

#define INSTANTIATE(Dtype)                                     \
  template void Net<Dtype>::PlanBackward(const NetParameter&); \
  template void Net<Dtype>::PruneBackward();                   \
  template void Net<Dtype>::ForceBackward()
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
