// When the blobs between layers are freed (NetParameter.blob_lifetime).
#include "caffe/net.hpp"
#include "core/host_pool.hpp"
#include "net/liveness.hpp"
#include "net/remake.hpp"

namespace caffe {

TrimMemoryAtEnd::~TrimMemoryAtEnd() { TrimHostMemory(); }

namespace {

/// Of each blob, whether it is never freed: a loss or an output, which the program reads.
template <typename Dtype>
vector<bool> WhatStays(const Net<Dtype>& net) {
  vector<bool> stays(net.blobs().size());
  for (const int output : net.output_blob_indices()) stays[output] = true;
  const vector<Dtype>& weights = net.blob_loss_weights();
  for (size_t blob = 0; blob < weights.size(); ++blob) {
    if (weights[blob] != Dtype(0)) stays[blob] = true;
  }
  return stays;
}

/// Of each blob, the last step in which somebody uses its data.
template <typename Dtype>
vector<int> EndsOfData(const Net<Dtype>& net, const vector<LiveRange>& live,
                       const vector<bool>& stays) {
  const vector<int> writers = FirstWriters(net);
  vector<int> ends(live.size());
  for (size_t blob = 0; blob < live.size(); ++blob) {
    // What comes from outside the net may be written once and read in every pass.
    const bool from_outside = writers[blob] >= 0 && net.bottom_ids(writers[blob]).empty();
    ends[blob] = stays[blob] || from_outside ? kNever : live[blob].end();
  }
  return ends;
}

/// The same of its diff.
template <typename Dtype>
vector<int> EndsOfDiffs(const Net<Dtype>& net, bool goes_back, const vector<bool>& stays) {
  const vector<int> writers = FirstWriters(net);
  vector<int> ends(writers.size(), kNever);
  for (size_t blob = 0; blob < writers.size() && goes_back; ++blob) {
    const int writer = writers[blob];
    if (stays[blob] || writer < 0 || net.bottom_ids(writer).empty()) continue;
    // The layer that makes the data is the last to read the diff.
    ends[blob] = BackwardStep(net, writer);
  }
  return ends;
}

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
  const bool goes_back = lifetime != NetParameter::UNTIL_READ;
  releases_blobs_ = lifetime != NetParameter::KEEP;
  const vector<LiveRange> live = LiveRanges(*this, goes_back);
  const vector<bool> stays = WhatStays(*this);
  data_end_ = EndsOfData(*this, live, stays);
  diff_end_ = EndsOfDiffs(*this, goes_back, stays);
  const int blobs = static_cast<int>(blobs_.size()), layers = LayersOf(*this);
  remaker_ = lifetime == NetParameter::UNTIL_BACKWARD ? FindRemakers(*this, live, data_end_)
                                                      : vector<int>(blobs, -1);
  forward_end_ = data_end_;
  for (int blob = 0; blob < blobs; ++blob) {
    if (remaker_[blob] >= 0) forward_end_[blob] = live[blob].last_forward;
  }
  data_freed_.assign(2 * layers, {});
  diff_freed_ = data_freed_;
  NoteEnds(forward_end_, 0, layers, &data_freed_);
  NoteEnds(data_end_, layers, 2 * layers, &data_freed_);
  NoteEnds(diff_end_, layers, 2 * layers, &diff_freed_);
}

template <typename Dtype>
void Net<Dtype>::BeforeForward(int layer_id) {
  if (!releases_blobs_) return;
  RenewAll(top_vecs_[layer_id], &Blob<Dtype>::data);
  if (IsOwn(*layers_[layer_id])) return;
  // Losses of users write the gradient in Forward, others take the diffs for scratch.
  RenewAll(top_vecs_[layer_id], &Blob<Dtype>::diff);
  RenewAll(bottom_vecs_[layer_id], &Blob<Dtype>::diff);
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
  VisitReadBackward(*this, layer_id, [&](int blob) { Remake(blob); });
}

template <typename Dtype>
void Net<Dtype>::AfterBackward(int layer_id) {
  if (!releases_blobs_) return;
  const int step = BackwardStep(*this, layer_id);
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
