// Which layers work in place: those that would overwrite what Backward needs get a blob of their
// own.
#include <algorithm>
#include <set>

#include "caffe/layers/loss_layer.hpp"
#include "core/own_layers.hpp"
#include "net/wiring.hpp"

namespace caffe {

namespace {

// As far as can be said before the layer is set up.
template <typename Dtype>
bool HasLoss(const Layer<Dtype>& layer) {
  const auto& weights = layer.layer_param().loss_weight();
  if (weights.empty()) return dynamic_cast<const LossLayer<Dtype>*>(&layer) != nullptr;
  return std::any_of(weights.begin(), weights.end(), [](float weight) { return weight != 0; });
}

}  // namespace

template <typename Dtype>
void Net<Dtype>::FindWaysBack(const NetParameter& param, Wiring* wiring) const {
  wiring->force_backward = param.force_backward();
  wiring->may_go_back.assign(layers_.size(), false);
  if (param.blob_lifetime() == NetParameter::UNTIL_READ) return;
  std::set<string> towards_loss;
  for (int id = static_cast<int>(layers_.size()) - 1; id >= 0; --id) {
    const LayerParameter& layer = param.layer(id);
    const bool contributes =
        param.force_backward() || HasLoss(*layers_[id]) ||
        std::any_of(layer.top().begin(), layer.top().end(),
                    [&](const string& top) { return towards_loss.count(top) > 0; });
    wiring->may_go_back[id] = contributes;
    if (contributes) towards_loss.insert(layer.bottom().begin(), layer.bottom().end());
  }
}

template <typename Dtype>
bool Net<Dtype>::IsInPlace(int layer_id, int bottom_blob_id, const Wiring& wiring) const {
  const Layer<Dtype>& layer = *layers_[layer_id];
  if (wiring.may_go_back[layer_id] && !wiring.force_backward && IsOwn(layer)) {
    // With `propagate_down: false`, the diff of the top must not be that of the bottom.
    const vector<int>& bottoms = bottom_id_vecs_[layer_id];
    const auto found = std::find(bottoms.begin(), bottoms.end(), bottom_blob_id);
    const bool gets_diff = bottom_need_backward_[layer_id][found - bottoms.begin()];
    if (blob_need_backward_[bottom_blob_id] && !gets_diff) return false;
  }
  return layer.WorksInPlace() && layer.LeavesInPlace() >= wiring.needed.at(bottom_blob_id);
}

template <typename Dtype>
void Net<Dtype>::NoteNeeds(int layer_id, bool need_backward, Wiring* wiring) const {
  const Layer<Dtype>& layer = *layers_[layer_id];
  const vector<int>& bottoms = bottom_id_vecs_[layer_id];
  const vector<int>& tops = top_id_vecs_[layer_id];
  const bool goes_back = wiring->may_go_back[layer_id] && (need_backward || wiring->force_backward);
  for (size_t i = 0; i < tops.size(); ++i) {
    BlobValues now = BlobValues::kNone;
    if (layer.SharesData()) {
      // Of the memory of a bottom that nobody else reads, the top is another name.
      const bool alone = bottoms.size() == 1 && tops.size() == 1;
      now = alone ? wiring->needed[bottoms[0]] : BlobValues::kAll;
    } else if (goes_back) {
      now = layer.NeedsOfTop(static_cast<int>(i));
    }
    BlobValues& needed = wiring->needed[tops[i]];
    needed = std::max(needed, now);
  }
}

#define INSTANTIATE(Dtype)                                                    \
  template void Net<Dtype>::FindWaysBack(const NetParameter&, Wiring*) const; \
  template bool Net<Dtype>::IsInPlace(int, int, const Wiring&) const;         \
  template void Net<Dtype>::NoteNeeds(int, bool, Wiring*) const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
