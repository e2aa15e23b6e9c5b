// Layers that compute what follows them in place, so that memory is passed over once for all of
// them.
#include "caffe/net.hpp"

namespace caffe {

template <typename Dtype>
void Net<Dtype>::FuseLayers(NetParameter::BlobLifetime lifetime) {
  const int layers = static_cast<int>(layers_.size());
  absorbed_.assign(layers, false);
  // Elsewhere somebody may look at a blob between two layers.
  if (lifetime == NetParameter::KEEP || debug_info_ || Caffe::mode() == Caffe::GPU) return;
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
      absorbed_[next] = true;
    }
  }
}

template void Net<float>::FuseLayers(NetParameter::BlobLifetime);
template void Net<double>::FuseLayers(NetParameter::BlobLifetime);

}  // namespace caffe
