#ifndef CAFFE_HINGE_LOSS_LAYER_HPP_
#define CAFFE_HINGE_LOSS_LAYER_HPP_

#include <algorithm>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/class_labels.hpp"

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

  ClassLabels labels_;

 private:
  /// The margin m of a score, with the sign of its derivative: negative for the item's class.
  Dtype SignedMargin(const Dtype* scores, int classes, std::ptrdiff_t i) const {
    const Dtype sign = labels_[i / classes] == i % classes ? Dtype(-1) : Dtype(1);
    return sign * std::max(Dtype(0), 1 + sign * scores[i]);
  }
};

}  // namespace caffe

#endif  // CAFFE_HINGE_LOSS_LAYER_HPP_
