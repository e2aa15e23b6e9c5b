#ifndef CAFFE_BN_LAYER_HPP_
#define CAFFE_BN_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

inline namespace beyond_caffe_1 {

/// Batch normalisation as SegNet's public nets name it: in one layer what a BatchNorm and a Scale
/// with bias do, and done by these two.
///
/// y = factor * z + shift for each channel. In LEARN, z is the bottom less its mean, divided by its
/// deviation (BatchNorm's eps, 1e-5), both of the batch at hand, also in TEST: no statistics are
/// kept. In INFERENCE z is the bottom: the statistics of the training images were worked into the
/// blobs. Bottom and top: N x C x ...; they may be one blob. Blobs: factors and shifts, each
/// 1 x C x 1 x 1, filled by scale_filler (without one: 1) and shift_filler (0).
template <typename Dtype>
class BNLayer : public Layer<Dtype> {
 public:
  explicit BNLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "BN"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }

  /// Takes over a ReLU (LEARN).
  bool Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) override;
  /// In INFERENCE.
  bool IsAffine() const override;
  void ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) override;
  bool BackwardReadsBottom(int bottom_index) const override {
    return First().BackwardReadsBottom(bottom_index);
  }
  bool BackwardReadsTop(int top_index) const override {
    return First().BackwardReadsTop(top_index);
  }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }
  bool RecomputesTop() const override { return First().RecomputesTop(); }
  void RecomputeTop(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    First().RecomputeTop(bottom, top);
  }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  /// The layer that does the work: BatchNorm, which takes over the Scale, or the Scale alone.
  Layer<Dtype>& First() const { return batch_norm_ ? *batch_norm_ : *scale_; }
  /// Brings the learned blobs, which a net may have given other memory, to the Scale layer.
  void ShareBlobs();

  /// Null in INFERENCE.
  shared_ptr<Layer<Dtype>> batch_norm_;
  shared_ptr<Layer<Dtype>> scale_;
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_BN_LAYER_HPP_
