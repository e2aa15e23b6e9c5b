#include "net/fusion.hpp"

#include <algorithm>

#include "net/liveness.hpp"

namespace caffe {

namespace {

/// Asks the layers of a net one after the other which of the next they compute as well.
template <typename Dtype>
class Fusing {
 public:
  Fusing(const Net<Dtype>& net, bool goes_back, Fusion* fusion)
      : net_(net), goes_back_(goes_back), fusion_(*fusion) {}

  /// Lets a layer compute those that follow it in place, and what is possible of its reader.
  void FuseAt(int first) {
    if (net_.top_ids(first).size() != 1) return;
    // Those that follow are the earlier layer's, too.
    const bool in_place = net_.bottom_ids(first) == net_.top_ids(first);
    if (in_place && fusion_.fused[first]) return;
    LeaveBias(first);
    for (int next = first + 1; next < LayersOf(net_) && CanFuse(first, next); ++next) {
      if (!layer(first).Fuse(net_.layers()[next], GoesBack(next))) break;
      fusion_.fused[next] = fusion_.any = true;
      fusion_.fused_backward[next] = layer(first).BackwardCoversFused();
    }
    if (goes_back_) {
      FuseBackward(first);
    } else {
      FuseReader(first);
    }
  }

 private:
  Layer<Dtype>& layer(int id) const { return *net_.layers()[id]; }
  bool GoesBack(int id) const { return goes_back_ && net_.layer_need_backward()[id]; }

  /// Lets a convolution leave its bias to the layer behind it, if that is a BatchNorm: each
  /// still runs, but they only give the right values together.
  void LeaveBias(int first) {
    const int next = first + 1;
    if (next < LayersOf(net_) && CanFuse(first, next) &&
        layer(first).LeaveBias(&layer(next), GoesBack(next))) {
      fusion_.any = true;
    }
  }

  bool CanFuse(int first, int next) const {
    const vector<int>& blob = net_.top_ids(first);
    return net_.bottom_ids(next) == blob && net_.top_ids(next) == blob &&
           layer(next).loss(0) == Dtype(0) &&
           (!goes_back_ || net_.layer_need_backward()[next] == net_.layer_need_backward()[first]) &&
           (!GoesBack(next) || net_.bottom_need_backward()[next][0]);
  }

  /// The layer that alone reads the top of a layer with one top, and of all that it fused, gives
  /// another top, and has no weight in the loss, as the layer itself; -1: there is none.
  int SoleReader(int id) const {
    const int blob = net_.top_ids(id)[0];
    int reader = -1;
    for (int other = 0; other < LayersOf(net_); ++other) {
      const vector<int>& bottoms = net_.bottom_ids(other);
      if (fusion_.fused[other] ||
          std::find(bottoms.begin(), bottoms.end(), blob) == bottoms.end()) {
        continue;
      }
      if (reader >= 0) return -1;
      reader = other;
    }
    if (reader < 0 || net_.bottom_ids(reader).size() != 1 || net_.top_ids(reader).size() != 1 ||
        net_.top_ids(reader)[0] == blob || layer(id).loss(0) != Dtype(0) ||
        layer(reader).loss(0) != Dtype(0)) {
      return -1;
    }
    return reader;
  }

  /// Lets a layer compute the only reader of its top as well, so that the top need not exist whole.
  void FuseReader(int id) {
    const int reader = SoleReader(id);
    if (reader < 0 || !layer(id).FuseReader(net_.layers()[reader], net_.top_vecs()[reader][0])) {
      return;
    }
    fusion_.fused[reader] = fusion_.fused_backward[reader] = fusion_.any = true;
  }

  /// Lets the only reader of a layer's top compute the Backward of what the layer fused.
  void FuseBackward(int id) {
    const int reader = SoleReader(id);
    if (reader < 0 || !net_.layer_need_backward()[reader] ||
        !net_.bottom_need_backward()[reader][0] || !layer(id).LeaveFusedBackward(&layer(reader))) {
      return;
    }
    for (int between = id + 1; between < reader; ++between) {
      if (fusion_.fused[between] && net_.top_ids(between) == net_.top_ids(id)) {
        fusion_.fused_backward[between] = true;
      }
    }
  }

  const Net<Dtype>& net_;
  const bool goes_back_;
  Fusion& fusion_;
};

}  // namespace

template <typename Dtype>
Fusion FuseLayers(const Net<Dtype>& net, NetParameter::BlobLifetime lifetime, bool visible) {
  Fusion fusion;
  fusion.fused.assign(LayersOf(net), false);
  fusion.fused_backward = fusion.fused;
  fusion.mode = Caffe::mode();
  if (visible || lifetime == NetParameter::KEEP) return fusion;
  Fusing<Dtype> fusing(net, lifetime != NetParameter::UNTIL_READ, &fusion);
  for (int id = 0; id < LayersOf(net); ++id) fusing.FuseAt(id);
  return fusion;
}

template Fusion FuseLayers(const Net<float>&, NetParameter::BlobLifetime, bool);
template Fusion FuseLayers(const Net<double>&, NetParameter::BlobLifetime, bool);

void Fusion::CheckMode(const string& net) const {
  const auto name = [](Caffe::Brew mode) { return mode == Caffe::GPU ? "GPU" : "CPU"; };
  CHECK(!any || Caffe::mode() == mode)
      << "net '" << net << "' was made in " << name(mode)
      << " mode, where its layers were fused, and cannot run in " << name(Caffe::mode())
      << " mode: set the mode before you make the net, or blob_lifetime: KEEP in it "
         "(release_blobs: false in the solver)";
}

}  // namespace caffe
