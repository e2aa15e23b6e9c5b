// Which layers Backward has to visit, and which bottoms get a diff.
#include "caffe/net.hpp"

namespace caffe {

template <typename Dtype>
void Net<Dtype>::PlanBackward(const NetParameter& param) {
  // Seen from the losses: a blob matters if a layer that matters reads it; a blob that all its
  // readers refuse to send a diff to (propagate_down) ends the way back.
  set<string> towards_loss;
  set<string> blocked;
  for (int id = static_cast<int>(layers_.size()) - 1; id >= 0; --id) {
    bool contributes = false;
    bool all_blocked = true;
    for (size_t i = 0; i < top_vecs_[id].size(); ++i) {
      const string& name = blob_names_[top_id_vecs_[id][i]];
      contributes |= layers_[id]->loss(i) != 0 || towards_loss.count(name);
      all_blocked &= blocked.count(name) > 0;
    }
    if (layer_need_backward_[id] && all_blocked) {
      layer_need_backward_[id] = false;
      bottom_need_backward_[id].assign(bottom_need_backward_[id].size(), false);
    }
    if (!contributes) layer_need_backward_[id] = false;
    for (size_t i = 0; i < bottom_vecs_[id].size(); ++i) {
      const string& name = blob_names_[bottom_id_vecs_[id][i]];
      if (contributes) {
        towards_loss.insert(name);
      } else {
        bottom_need_backward_[id][i] = false;
      }
      if (!bottom_need_backward_[id][i]) blocked.insert(name);
    }
  }
  if (!param.force_backward()) return;
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

template void Net<float>::PlanBackward(const NetParameter&);
template void Net<double>::PlanBackward(const NetParameter&);

}  // namespace caffe
