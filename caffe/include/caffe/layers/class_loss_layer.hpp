#ifndef CAFFE_CLASS_LOSS_LAYER_HPP_
#define CAFFE_CLASS_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/class_labels.hpp"

namespace caffe {

inline namespace beyond_caffe_1 {

/// Base of the losses of class scores, which are turned into probabilities by a softmax.
///
/// Bottoms: scores (classes along an axis that the loss's parameters name) and labels 0, 1, ...,
/// one for each position of the other axes. Tops: the loss and, if named, the probabilities.
/// loss_param: ignore_label and normalization (VALID).
template <typename Dtype>
class ClassLossLayer : public LossLayer<Dtype> {
 public:
  explicit ClassLossLayer(const LayerParameter& param) : LossLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  int ExactNumTopBlobs() const override { return -1; }
  int MinTopBlobs() const override { return 1; }
  int MaxTopBlobs() const override { return 2; }
  /// The probabilities.
  BlobValues NeedsOfTop(int top_index) const override {
    return top_index == 1 ? BlobValues::kAll : BlobValues::kNone;
  }

 protected:
  /// The scores' diffs, block by block (BlockDiff).
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  /// Writes the diffs of the scores at `length` (<= kClassBlock) positions from `position` on,
  /// times `scale`. Probability and diff of class c stand at c * inner_num_ + [0, length). Runs on
  /// several threads at once.
  virtual void BlockDiff(std::ptrdiff_t position, int length, Dtype scale, const Dtype* prob,
                         Dtype* diff) const = 0;

  /// The axis of the classes, as the prototxt gives it.
  virtual int ClassAxis() const = 0;
  /// The first half of Forward: makes prob_, which the second top shows, and reads the targets.
  void ForwardProbabilities(const vector<Blob<Dtype>*>& bottom);
  /// Takes labels_, normalizer_ and what else BlockDiff needs from the bottoms. Backward does so
  /// anew: a derived class may compute the loss itself, with nothing but prob_ from here.
  virtual void ReadTargets(const vector<Blob<Dtype>*>& bottom);
  int classes() const { return prob_.shape(softmax_axis_); }

#ifndef CPU_ONLY
  // The common parts of both passes on the GPU (src/layers/class_loss.cuh). Of labels that do not
  // count a formula gets a negative number.

  /// The loss, of formula.Loss(position, label), and the second top. Labels that are found to be no
  /// classes are reported now, or by CheckEarlierOnes.
  template <typename Formula>
  void ForwardOnGpu(const Formula& formula, const vector<Blob<Dtype>*>& bottom,
                    const vector<Blob<Dtype>*>& top);
  /// The scores' diffs, of formula.Diff(scale, probability of class c, label, c).
  template <typename Formula>
  void BackwardOnGpu(const Formula& formula, const Blob<Dtype>& top,
                     const vector<Blob<Dtype>*>& bottom);
  /// For Backward_gpu, where it is not the GPU that computed this pass's loss here: reads the
  /// targets on the host.
  void ReadTargetsForGpu(const vector<Blob<Dtype>*>& bottom);
#endif

  shared_ptr<Layer<Dtype>> softmax_layer_;
  /// The probabilities, shaped like the scores.
  Blob<Dtype> prob_;
  vector<Blob<Dtype>*> softmax_bottom_vec_;
  vector<Blob<Dtype>*> softmax_top_vec_;
  ClassLabels labels_;
  int softmax_axis_ = 0;
  /// The divisor of the loss.
  Dtype normalizer_ = 1;
  /// The same on the GPU.
  Blob<Dtype> device_normalizer_;
  /// Whether ForwardOnGpu has computed the loss since Reshape.
  bool loss_of_gpu_ = false;
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_CLASS_LOSS_LAYER_HPP_
