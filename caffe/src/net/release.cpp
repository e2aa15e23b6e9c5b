#include "net/release.hpp"

#include "core/own_layers.hpp"
#include "net/layer_context.hpp"
#include "net/liveness.hpp"
#include "net/recompute.hpp"

namespace caffe {

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

/// Of each layer, the blobs that its Backward reads and that are recomputed for it.
template <typename Dtype>
vector<vector<int>> RecomputedBefore(const Net<Dtype>& net, const vector<int>& recomputer) {
  vector<vector<int>> recomputed(LayersOf(net));
  for (int layer = 0; layer < LayersOf(net); ++layer) {
    VisitReadBackward(net, layer, [&](int blob) {
      if (recomputer[blob] >= 0) recomputed[layer].push_back(blob);
    });
  }
  return recomputed;
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
void BlobRelease<Dtype>::Plan(NetParameter::BlobLifetime lifetime) {
  const bool goes_back = lifetime != NetParameter::UNTIL_READ;
  const int blobs = static_cast<int>(net_.blobs().size()), layers = LayersOf(net_);
  const vector<LiveRange> live = LiveRanges(net_, goes_back);
  const vector<bool> stays = WhatStays(net_);
  ReleasePlan& plan = plan_;
  plan.releases = lifetime != NetParameter::KEEP;
  plan.data_end = EndsOfData(net_, live, stays);
  plan.diff_end = EndsOfDiffs(net_, goes_back, stays);
  plan.recomputer = lifetime == NetParameter::UNTIL_BACKWARD
                        ? FindRecomputers(net_, live, plan.data_end)
                        : vector<int>(blobs, -1);
  plan.recomputed = RecomputedBefore(net_, plan.recomputer);
  plan.forward_end = plan.data_end;
  for (int blob = 0; blob < blobs; ++blob) {
    if (plan.recomputer[blob] >= 0) plan.forward_end[blob] = live[blob].last_forward;
  }
  plan.data_freed.assign(2 * layers, {});
  plan.diff_freed = plan.data_freed;
  NoteEnds(plan.forward_end, 0, layers, &plan.data_freed);
  NoteEnds(plan.data_end, layers, 2 * layers, &plan.data_freed);
  NoteEnds(plan.diff_end, layers, 2 * layers, &plan.diff_freed);
  plan.own.clear();
  for (const auto& layer : net_.layers()) plan.own.push_back(IsOwn(*layer));
}

template <typename Dtype>
void BlobRelease<Dtype>::BeforeForward(int layer_id) {
  if (!plan_.releases) return;
  RenewAll(net_.top_vecs()[layer_id], &Blob<Dtype>::data);
  if (plan_.own[layer_id]) return;
  // Losses of users write the gradient in Forward, others take the diffs for scratch.
  RenewAll(net_.top_vecs()[layer_id], &Blob<Dtype>::diff);
  RenewAll(net_.bottom_vecs()[layer_id], &Blob<Dtype>::diff);
}

template <typename Dtype>
void BlobRelease<Dtype>::AfterForward(int layer_id) {
  if (!plan_.releases) return;
  ReleaseAt(layer_id, plan_.data_freed[layer_id], plan_.forward_end, net_.blobs(),
            &Blob<Dtype>::data);
  if (net_.phase() != TEST) return;
  for (const auto& param : net_.layers()[layer_id]->blobs()) {
    // Another net with the same weights may be reading them, in another thread.
    if (param->data().use_count() == 1) param->data()->KeepOnlyLayout();
  }
}

template <typename Dtype>
void BlobRelease<Dtype>::BeforeBackward(int layer_id) {
  if (!plan_.releases) return;
  RenewAll(net_.top_vecs()[layer_id], &Blob<Dtype>::diff);
  RenewAll(net_.bottom_vecs()[layer_id], &Blob<Dtype>::diff);
  for (const int blob : plan_.recomputed[layer_id]) Recompute(blob);
}

template <typename Dtype>
void BlobRelease<Dtype>::AfterBackward(int layer_id) {
  if (!plan_.releases) return;
  const int step = BackwardStep(net_, layer_id);
  ReleaseAt(step, plan_.data_freed[step], plan_.data_end, net_.blobs(), &Blob<Dtype>::data);
  ReleaseAt(step, plan_.diff_freed[step], plan_.diff_end, net_.blobs(), &Blob<Dtype>::diff);
}

template <typename Dtype>
void BlobRelease<Dtype>::Recompute(int blob) {
  const shared_ptr<SyncedMemory>& data = net_.blobs()[blob]->data();
  if (!data->released()) return;
  data->Renew();
  const int layer = plan_.recomputer[blob];
  InLayer(net_, layer, [&] {
    net_.layers()[layer]->RecomputeTop(net_.bottom_vecs()[layer], net_.top_vecs()[layer]);
  });
}

INSTANTIATE_CLASS(BlobRelease);

}  // namespace caffe
