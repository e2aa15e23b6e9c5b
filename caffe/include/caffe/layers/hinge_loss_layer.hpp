#ifndef CAFFE_HINGE_LOSS_LAYER_HPP_
#define CAFFE_HINGE_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/class_labels.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Mean over N items of the sum over classes of m (L1) or m^2 (L2), with m = max(0, 1 - x) for the
/// item's class and max(0, 1 + x) for the others. Bottoms: N x C scores, N labels.
template <typename Dtype>
class HingeLossLayer : public LossLayer<Dtype> {
 public:
  explicit HingeLossLayer(const LayerParameter& param) : LossLayer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "HingeLoss"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

  DECLARE_LAYER_GPU_FUNCS(Dtype);

  ClassLabels labels_;

 private:
  /// Whether a derived class computes the loss, which leaves the margins in the bottom's diff, as
  /// Caffe 1.0's Forward did.
  bool MarginsAreInDiff() const;

  bool Squared() const {
    return this->layer_param_.hinge_loss_param().norm() == HingeLossParameter_Norm_L2;
  }

  /// Whether this class's Forward has run since Reshape.
  bool has_run_ = false;
};

}  // namespace caffe

#endif  // CAFFE_HINGE_LOSS_LAYER_HPP_
