// Blobs that are freed between Forward and Backward, and made again: what a layer can compute in
// the time that it takes to write it need not be kept while the memory in use is at its most.
#include <algorithm>
#include <limits>

#include "caffe/net.hpp"
#include "core/large_blobs.hpp"
#include "net/layer_context.hpp"

namespace caffe {

namespace {

const int kNever = std::numeric_limits<int>::max();

}  // namespace

template <typename Dtype>
void Net<Dtype>::PlanRemaking() {
  const int layers = static_cast<int>(layers_.size()), blobs = static_cast<int>(blobs_.size());
  // Of each blob: the layer that writes it last, between which steps nobody reads it, and the last
  // step in which somebody does.
  vector<int> writer(blobs, -1), last_forward(blobs, -1), first_backward(blobs, kNever);
  vector<int> last_backward(blobs, -1);
  for (int layer = 0; layer < layers; ++layer) {
    const bool backward = layer_need_backward_[layer] && !absorbed_backward_[layer];
    const auto reads = [&](int blob, bool in_backward) {
      last_forward[blob] = layer;
      if (!backward || !in_backward) return;
      first_backward[blob] = 2 * layers - 1 - layer;
      last_backward[blob] = std::max(last_backward[blob], first_backward[blob]);
    };
    for (size_t i = 0; i < bottom_id_vecs_[layer].size(); ++i) {
      reads(bottom_id_vecs_[layer][i], layers_[layer]->BackwardReadsBottom(i));
    }
    for (size_t i = 0; i < top_id_vecs_[layer].size(); ++i) {
      reads(top_id_vecs_[layer][i], layers_[layer]->BackwardReadsTop(i));
      if (!absorbed_[layer]) writer[top_id_vecs_[layer][i]] = layer;
    }
  }
  const auto can_remake = [&](int blob) {
    const int layer = writer[blob];
    if (top_id_vecs_[layer].size() != 1 || !layers_[layer]->RemakesTop()) return false;
    // After its own Backward the layer has nothing any more to make it of.
    if (last_backward[blob] > 2 * layers - 1 - layer) return false;
    const vector<int>& bottoms = bottom_id_vecs_[layer];
    return std::all_of(bottoms.begin(), bottoms.end(), [&](int bottom) {
      // Of a bottom that it overwrites, a layer keeps what it needs.
      return bottom == blob || (remaker_[bottom] < 0 && data_end_[bottom] >= first_backward[blob]);
    });
  };
  for (int blob = 0; blob < blobs; ++blob) {
    if (data_end_[blob] == kNever || first_backward[blob] == kNever) continue;
    // What is read again soon would be freed for nothing.
    if (first_backward[blob] - last_forward[blob] < layers / 4) continue;
    const size_t bytes = blobs_[blob]->count() * sizeof(Dtype);
    if (bytes < LargeBlobs::Get().worth_remaking || !can_remake(blob)) continue;
    remaker_[blob] = writer[blob];
    forward_end_[blob] = last_forward[blob];
  }
}

template <typename Dtype>
void Net<Dtype>::Remake(int blob) {
  const int layer = remaker_[blob];
  if (layer < 0 || !blobs_[blob]->data()->released()) return;
  blobs_[blob]->data()->Renew();
  InLayer(layers_[layer]->layer_param(), layer,
          [&] { layers_[layer]->RemakeTop(bottom_vecs_[layer], top_vecs_[layer]); });
}

#define INSTANTIATE(Dtype)                  \
  template void Net<Dtype>::PlanRemaking(); \
  template void Net<Dtype>::Remake(int)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
