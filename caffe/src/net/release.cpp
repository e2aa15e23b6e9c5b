// When the blobs between layers are freed (NetParameter.blob_lifetime).
#include <algorithm>
#include <limits>

#include "caffe/net.hpp"
#include "core/host_pool.hpp"

namespace caffe {

TrimMemoryAtEnd::~TrimMemoryAtEnd() { HostPool::Get().Trim(); }

namespace {

const int kNever = std::numeric_limits<int>::max();

/// Notes the blobs that end in the steps from `first` on and before `last`.
void NoteEnds(const vector<int>& ends, int first, int last, vector<vector<int>>* freed) {
  for (size_t blob = 0; blob < ends.size(); ++blob) {
    if (ends[blob] >= first && ends[blob] < last) {
      (*freed)[ends[blob]].push_back(static_cast<int>(blob));
    }
  }
}

/// Readies a blob's data (diff) for a layer: what was freed reads as zeros, like new memory.
template <typename Dtype>
void RenewAll(const vector<Blob<Dtype>*>& blobs,
              const shared_ptr<SyncedMemory>& (Blob<Dtype>::*half)() const) {
  for (const Blob<Dtype>* blob : blobs) (blob->*half)()->Renew();
}

/// Frees the memories of these blobs, which have their last use in this step, unless a blob with a
/// later one shares them.
template <typename Dtype>
void ReleaseAt(int step, const vector<int>& freed, const vector<int>& ends,
               const vector<shared_ptr<Blob<Dtype>>>& blobs,
               const shared_ptr<SyncedMemory>& (Blob<Dtype>::*half)() const) {
  for (const int i : freed) {
    const shared_ptr<SyncedMemory>& memory = (*blobs[i].*half)();
    bool needed = false;
    // Layers may begin to share in any pass; what has one holder is not shared now.
    const size_t sharers = memory.use_count() > 1 ? blobs.size() : 0;
    for (size_t j = 0; j < sharers && !needed; ++j) {
      needed = ends[j] > step && (*blobs[j].*half)() == memory;
    }
    if (!needed) memory->Release();
  }
}

}  // namespace

template <typename Dtype>
void Net<Dtype>::PlanRelease(NetParameter::BlobLifetime lifetime) {
  const int layers = static_cast<int>(layers_.size());
  const bool goes_back = lifetime != NetParameter::UNTIL_READ;
  releases_blobs_ = lifetime != NetParameter::KEEP;
  data_end_.assign(blobs_.size(), -1);
  diff_end_.assign(blobs_.size(), kNever);
  vector<bool> made(blobs_.size());
  const auto uses = [&](int blob, int layer, bool backward) {
    data_end_[blob] = std::max(data_end_[blob], backward ? 2 * layers - 1 - layer : layer);
  };
  for (int layer = 0; layer < layers; ++layer) {
    const bool backward = goes_back && layer_need_backward_[layer] && !absorbed_backward_[layer];
    const Layer<Dtype>& reader = *layers_[layer];
    for (size_t i = 0; i < bottom_id_vecs_[layer].size(); ++i) {
      uses(bottom_id_vecs_[layer][i], layer, backward && reader.BackwardReadsBottom(i));
    }
    for (size_t i = 0; i < top_id_vecs_[layer].size(); ++i) {
      const int blob = top_id_vecs_[layer][i];
      uses(blob, layer, backward && reader.BackwardReadsTop(i));
      if (made[blob]) continue;
      made[blob] = true;
      // What comes from outside the net may be written once and read in every pass.
      if (bottom_id_vecs_[layer].empty()) data_end_[blob] = kNever;
      // Its layer is the last to read a blob's diff.
      if (goes_back && !bottom_id_vecs_[layer].empty()) diff_end_[blob] = 2 * layers - 1 - layer;
    }
  }
  for (size_t blob = 0; blob < blobs_.size(); ++blob) {
    const bool is_loss = blob < blob_loss_weights_.size() && blob_loss_weights_[blob] != Dtype(0);
    const bool is_output =
        std::count(net_output_blob_indices_.begin(), net_output_blob_indices_.end(), blob) > 0;
    if (is_loss || is_output) data_end_[blob] = diff_end_[blob] = kNever;
  }
  forward_end_ = data_end_;
  remaker_.assign(blobs_.size(), -1);
  if (lifetime == NetParameter::UNTIL_BACKWARD) PlanRemaking();
  data_freed_.assign(2 * layers_.size(), {});
  diff_freed_ = data_freed_;
  NoteEnds(forward_end_, 0, layers, &data_freed_);
  NoteEnds(data_end_, layers, 2 * layers, &data_freed_);
  NoteEnds(diff_end_, layers, 2 * layers, &diff_freed_);
}

template <typename Dtype>
void Net<Dtype>::BeforeForward(int layer_id) {
  if (releases_blobs_) RenewAll(top_vecs_[layer_id], &Blob<Dtype>::data);
}

template <typename Dtype>
void Net<Dtype>::AfterForward(int layer_id) {
  if (!releases_blobs_) return;
  ReleaseAt(layer_id, data_freed_[layer_id], forward_end_, blobs_, &Blob<Dtype>::data);
  if (phase_ != TEST) return;
  for (const auto& param : layers_[layer_id]->blobs()) {
    // Another net with the same weights may be reading them, in another thread.
    if (param->data().use_count() == 1) param->data()->KeepOnlyLayout();
  }
}

template <typename Dtype>
void Net<Dtype>::BeforeBackward(int layer_id) {
  if (!releases_blobs_) return;
  RenewAll(top_vecs_[layer_id], &Blob<Dtype>::diff);
  RenewAll(bottom_vecs_[layer_id], &Blob<Dtype>::diff);
  const Layer<Dtype>& reader = *layers_[layer_id];
  for (size_t i = 0; i < bottom_id_vecs_[layer_id].size(); ++i) {
    if (reader.BackwardReadsBottom(i)) Remake(bottom_id_vecs_[layer_id][i]);
  }
  for (size_t i = 0; i < top_id_vecs_[layer_id].size(); ++i) {
    if (reader.BackwardReadsTop(i)) Remake(top_id_vecs_[layer_id][i]);
  }
}

template <typename Dtype>
void Net<Dtype>::AfterBackward(int layer_id) {
  if (!releases_blobs_) return;
  const int step = 2 * static_cast<int>(layers_.size()) - 1 - layer_id;
  ReleaseAt(step, data_freed_[step], data_end_, blobs_, &Blob<Dtype>::data);
  ReleaseAt(step, diff_freed_[step], diff_end_, blobs_, &Blob<Dtype>::diff);
}

#define INSTANTIATE(Dtype)                                           \
  template void Net<Dtype>::PlanRelease(NetParameter::BlobLifetime); \
  template void Net<Dtype>::BeforeForward(int);                      \
  template void Net<Dtype>::AfterForward(int);                       \
  template void Net<Dtype>::BeforeBackward(int);                     \
  template void Net<Dtype>::AfterBackward(int)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
