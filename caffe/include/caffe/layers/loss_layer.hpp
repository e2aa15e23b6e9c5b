#ifndef CAFFE_LOSS_LAYER_HPP_
#define CAFFE_LOSS_LAYER_HPP_

#include <optional>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// Probabilities below it count as it, so that their logarithm stays finite.
const float kLOG_THRESHOLD = 1e-20;

/// Base of the losses: predictions and targets with as many items -> one number.
///
/// The first top has loss_weight 1 unless the prototxt says otherwise; the net adds that top where
/// it is not named. Targets (bottom 1) get no gradient unless a loss says so.
template <typename Dtype>
class LossLayer : public Layer<Dtype> {
 public:
  explicit LossLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  int ExactNumBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return 1; }
  bool AutoTopBlobs() const override { return true; }
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index != 1; }

 protected:
  /// What loss_param says a sum over positions is divided by; `otherwise` where it says nothing.
  LossParameter_NormalizationMode NormalizationMode(
      LossParameter_NormalizationMode otherwise) const;
  /// That divisor, at least 1: all positions (FULL), those whose label counts (VALID), `items`
  /// (BATCH_SIZE) or 1 (NONE).
  static Dtype Normalizer(LossParameter_NormalizationMode mode, int items, int positions,
                          int valid_positions);
  /// loss_param.ignore_label, where there is one.
  std::optional<int> IgnoreLabel() const;
};

}  // namespace caffe

#endif  // CAFFE_LOSS_LAYER_HPP_
