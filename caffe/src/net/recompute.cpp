// Blobs that are freed between Forward and Backward, and recomputed: what a layer can compute in
// the time that it takes to write it need not be kept while the memory in use is at its most.
#include "net/recompute.hpp"

#include <algorithm>

#include "core/large_blobs.hpp"

namespace caffe {

namespace {

/// What FindRecomputers knows.
template <typename Dtype>
struct Recomputation {
  const Net<Dtype>& net;
  const vector<LiveRange>& live;
  const vector<int>& data_end;
  /// Found so far.
  vector<int> recomputers;

  /// Whether memory is won by freeing a blob in between.
  bool IsWorthIt(int blob) const {
    const LiveRange& range = live[blob];
    if (data_end[blob] == kNever || range.first_backward == kNever) return false;
    // What is read again soon would be freed for nothing.
    if (range.first_backward - range.last_forward < LayersOf(net) / 4) return false;
    return net.blobs()[blob]->count() * sizeof(Dtype) >= LargeBlobs::Get().worth_recomputing;
  }

  /// Whether `layer`, which computes the blob, can do so again when it is first read in Backward.
  bool CanRecompute(int layer, int blob) const {
    if (net.top_ids(layer).size() != 1 || !net.layers()[layer]->RecomputesTop()) return false;
    // After its own Backward the layer has nothing any more to compute it from.
    if (live[blob].last_backward > BackwardStep(net, layer)) return false;
    const vector<int>& bottoms = net.bottom_ids(layer);
    return std::all_of(bottoms.begin(), bottoms.end(), [&](int bottom) {
      // Of a bottom that it overwrites, a layer keeps what it needs.
      return bottom == blob ||
             (recomputers[bottom] < 0 && data_end[bottom] >= live[blob].first_backward);
    });
  }
};

}  // namespace

template <typename Dtype>
vector<int> FindRecomputers(const Net<Dtype>& net, const vector<LiveRange>& live,
                            const vector<int>& data_end) {
  const int blobs = static_cast<int>(net.blobs().size());
  const vector<int> writers = LastWriters(net);
  Recomputation<Dtype> recomputation = {net, live, data_end, vector<int>(blobs, -1)};
  for (int blob = 0; blob < blobs; ++blob) {
    if (recomputation.IsWorthIt(blob) && recomputation.CanRecompute(writers[blob], blob)) {
      recomputation.recomputers[blob] = writers[blob];
    }
  }
  return recomputation.recomputers;
}

template vector<int> FindRecomputers(const Net<float>&, const vector<LiveRange>&,
                                     const vector<int>&);
template vector<int> FindRecomputers(const Net<double>&, const vector<LiveRange>&,
                                     const vector<int>&);

}  // namespace caffe
