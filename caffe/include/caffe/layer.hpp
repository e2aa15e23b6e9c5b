#ifndef CAFFE_LAYER_HPP_
#define CAFFE_LAYER_HPP_

#include <algorithm>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/math_functions.hpp"

/// Layers that also build against another Caffe ask this before they override SaveState.
#define CAFFE_HAS_LAYER_STATE 1

namespace caffe {

/// How much of the values of a blob: nothing, which of them are above 0, or all.
enum class BlobValues { kNone, kSigns, kAll };

/// One computation of a net: reads bottom blobs, writes top blobs, keeps parameters in blobs().
///
/// A layer implements LayerSetUp (once), Reshape (before every Forward), Forward_cpu and
/// Backward_cpu; the GPU versions fall back to the CPU ones. Backward reads the tops' diffs, writes
/// the diffs of those bottoms for which propagate_down is true, and adds to the parameters' diffs.
template <typename Dtype>
class Layer {
 public:
  explicit Layer(const LayerParameter& param);
  virtual ~Layer() = default;

  /// Checks the numbers of blobs, lets the layer set itself up and shape its tops.
  void SetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  /// Reads the parameters, makes the learnable blobs. The bottoms have their shapes by then.
  virtual void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {}
  /// Shapes the tops (and buffers) for the bottoms' present shapes.
  virtual void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) = 0;

  /// Reshapes, computes the tops, and returns the sum of loss_weight * top.
  Dtype Forward(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void Backward(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                const vector<Blob<Dtype>*>& bottom);

  /// The learnable parameters.
  vector<shared_ptr<Blob<Dtype>>>& blobs() { return blobs_; }
  const LayerParameter& layer_param() const { return layer_param_; }
  virtual void ToProto(LayerParameter* param, bool write_diff = false);

  /// For layers whose outputs depend on more than bottoms and parameters, as a data layer's on its
  /// seed and its place in the data: writes that down, so that RestoreState makes another layer of
  /// the same parameters give the very outputs that this one would give next. Prefetched batches
  /// do not count, only those that Forward has handed out. Part of a solver's snapshot.
  virtual void SaveState(LayerState* state) const {}
  virtual void RestoreState(const LayerState& state) {}

  /// Weight of a top in the net's loss; 0 where it has none.
  Dtype loss(const int top_index) const {
    return top_index < static_cast<int>(loss_.size()) ? loss_[top_index] : Dtype(0);
  }
  void set_loss(const int top_index, const Dtype value);

  /// The name the layer is registered under.
  virtual const char* type() const { return ""; }

  // How many blobs the layer takes; -1: any number.
  virtual int ExactNumBottomBlobs() const { return -1; }
  virtual int MinBottomBlobs() const { return -1; }
  virtual int MaxBottomBlobs() const { return -1; }
  virtual int ExactNumTopBlobs() const { return -1; }
  virtual int MinTopBlobs() const { return -1; }
  virtual int MaxTopBlobs() const { return -1; }
  virtual bool EqualNumBottomTopBlobs() const { return false; }
  /// Whether the net adds anonymous tops up to the required number.
  virtual bool AutoTopBlobs() const { return false; }
  /// Whether force_backward may ask for the diff of this bottom.
  virtual bool AllowForceBackward(const int bottom_index) const { return true; }

  /// Whether the diff of a parameter is wanted (false where its lr_mult is 0).
  bool param_propagate_down(const int param_id) const {
    return param_id < static_cast<int>(param_propagate_down_.size()) &&
           param_propagate_down_[param_id];
  }
  void set_param_propagate_down(const int param_id, const bool value);

  // ---- What a net asks to save time and memory. A layer of one's own need not answer. ----

  /// Asks the layer to compute `next` as well from now on: a layer that follows it and works in
  /// place on its only top. The net then runs `next` no more. `backward` says whether Backward will
  /// be called. False: the layer cannot.
  virtual bool Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) { return false; }

  /// Asks the layer to leave out its bias from now on, because `next`, which follows and works in
  /// place on its only top, makes it needless. Both still run. False: it does as before.
  virtual bool LeaveBias(Layer<Dtype>* next, bool backward) { return false; }

  /// Asks the layer to fill `top` from now on, the only top of `next`, which alone reads what this
  /// layer (and those it fused) would give; its own top stays empty. The net then runs `next` no
  /// more, and never Backward. False: the layer cannot.
  virtual bool FuseReader(const shared_ptr<Layer<Dtype>>& next, Blob<Dtype>* top) { return false; }

  /// Whether all that Forward does, at the present phase, is y = factor * x + offset, with a factor
  /// and an offset for each channel (axis 1) that do not depend on the bottom. A convolution in
  /// front of such a layer computes that, too (Fuse). Asked after SetUp.
  virtual bool IsAffine() const { return false; }
  /// Of a layer that is: turns factors and offsets of what is in front of it, one for each channel,
  /// into those of both.
  virtual void ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) {}

  /// Whether Backward does that of fused layers too. If not, the net calls theirs as ever.
  virtual bool BackwardCoversFused() const { return true; }

  /// Asks the layer to let `reader` do the Backward of all that it fused from now on: a layer
  /// that alone reads what they give, and goes back. The diff of the top then comes as it is before
  /// them. False: one of both cannot.
  virtual bool LeaveFusedBackward(Layer<Dtype>* reader) { return false; }

  /// Whether Backward reads the values of a bottom or a top (besides their diffs). What no Backward
  /// reads is freed as soon as no Forward does (see blob_lifetime); asked after Fuse, and only of
  /// the runtime's own layers: users' classes, derived from those, have a Backward of their own and
  /// inherit what is said of another.
  virtual bool BackwardReadsBottom(int bottom_index) const { return true; }
  virtual bool BackwardReadsTop(int top_index) const { return true; }

  /// Whether RecomputeTop gives the tops of the last Forward again, bit for bit, from its bottoms
  /// and what the layer keeps, in about the time that it takes to read and write them. Large ones
  /// are then not kept from Forward to Backward (see blob_lifetime); asked after Fuse.
  virtual bool RecomputesTop() const { return false; }
  virtual void RecomputeTop(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {}

  /// Whether Forward and Backward give the right values where a top is the bottom of that place. Of
  /// a layer that needs what it would overwrite, a net keeps both apart, under the one name that
  /// the prototxt gives them.
  virtual bool WorksInPlace() const { return true; }

  /// What Backward needs of the values that Forward wrote into a top. A layer behind that works in
  /// place and would not leave that much (LeavesInPlace) is given another blob for its top, in nets
  /// that go back. Layers that do not say are taken as Caffe 1.0 takes them: all work in place.
  virtual BlobValues NeedsOfTop(int top_index) const { return BlobValues::kNone; }
  /// What Forward leaves of the values of a bottom that is also the top. Signs may change where
  /// Backward gives a diff of 0.
  virtual BlobValues LeavesInPlace() const { return BlobValues::kAll; }
  /// Whether what is written over a top may change another blob, or a later Forward: a top may lie
  /// in the memory of a bottom, of another top, or of what the layer keeps for all passes. Asked
  /// after SetUp; a layer behind that works in place is then given another blob for its top, unless
  /// the top is just another name of the only bottom.
  virtual bool SharesData() const { return false; }

 protected:
  LayerParameter layer_param_;
  Phase phase_;
  vector<shared_ptr<Blob<Dtype>>> blobs_;
  vector<bool> param_propagate_down_;
  /// Loss weight of each top.
  vector<Dtype> loss_;

  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) = 0;
  virtual void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Forward_cpu(bottom, top);
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) = 0;
  virtual void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    Backward_cpu(top, propagate_down, bottom);
  }

  virtual void CheckBlobCounts(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  /// Puts the loss weights into the tops' diffs, where Backward finds them.
  void SetLossWeights(const vector<Blob<Dtype>*>& top);

 private:
  DISABLE_COPY_AND_ASSIGN(Layer);
};

}  // namespace caffe

#endif  // CAFFE_LAYER_HPP_
