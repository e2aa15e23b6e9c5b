// Blobs that are freed between Forward and Backward, and made again: what a layer can compute in
// the time that it takes to write it need not be kept while the memory in use is at its most.
#include "net/remake.hpp"

#include <algorithm>

#include "core/large_blobs.hpp"

namespace caffe {

namespace {

/// What FindRemakers knows.
template <typename Dtype>
struct Remaking {
  const Net<Dtype>& net;
  const vector<LiveRange>& live;
  const vector<int>& data_end;
  /// Found so far.
  vector<int> remakers;

  /// Whether memory is won by freeing a blob in between.
  bool IsWorthIt(int blob) const {
    const LiveRange& range = live[blob];
    if (data_end[blob] == kNever || range.first_backward == kNever) return false;
    // What is read again soon would be freed for nothing.
    if (range.first_backward - range.last_forward < LayersOf(net) / 4) return false;
    return net.blobs()[blob]->count() * sizeof(Dtype) >= LargeBlobs::Get().worth_remaking;
  }

  /// Whether `layer`, which computes the blob, can do so again when it is first read in Backward.
  bool CanRemake(int layer, int blob) const {
    if (net.top_ids(layer).size() != 1 || !net.layers()[layer]->RemakesTop()) return false;
    // After its own Backward the layer has nothing any more to make it of.
    if (live[blob].last_backward > BackwardStep(net, layer)) return false;
    const vector<int>& bottoms = net.bottom_ids(layer);
    return std::all_of(bottoms.begin(), bottoms.end(), [&](int bottom) {
      // Of a bottom that it overwrites, a layer keeps what it needs.
      return bottom == blob ||
             (remakers[bottom] < 0 && data_end[bottom] >= live[blob].first_backward);
    });
  }
};

}  // namespace

template <typename Dtype>
vector<int> FindRemakers(const Net<Dtype>& net, const vector<LiveRange>& live,
                         const vector<int>& data_end) {
  const int blobs = static_cast<int>(net.blobs().size());
  const vector<int> writers = LastWriters(net);
  Remaking<Dtype> remaking = {net, live, data_end, vector<int>(blobs, -1)};
  for (int blob = 0; blob < blobs; ++blob) {
    if (remaking.IsWorthIt(blob) && remaking.CanRemake(writers[blob], blob)) {
      remaking.remakers[blob] = writers[blob];
    }
  }
  return remaking.remakers;
}

template vector<int> FindRemakers(const Net<float>&, const vector<LiveRange>&, const vector<int>&);
template vector<int> FindRemakers(const Net<double>&, const vector<LiveRange>&, const vector<int>&);

}  // namespace caffe
