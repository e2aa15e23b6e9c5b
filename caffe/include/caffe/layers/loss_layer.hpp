#ifndef CAFFE_LOSS_LAYER_HPP_
#define CAFFE_LOSS_LAYER_HPP_

#include <vector>

#include <boost/optional.hpp>

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
  // For losses that are sums over outer_num_ x inner_num_ positions.

  /// Takes ignore_label and normalization (`otherwise` where nothing is said) from loss_param.
  void ReadLossParam(LossParameter_NormalizationMode otherwise);
  /// What the sum is divided by, at least 1: all positions (FULL), the valid_count of those whose
  /// label counts (VALID; -1: all), outer_num_ (BATCH_SIZE) or 1 (NONE).
  virtual Dtype get_normalizer(LossParameter_NormalizationMode normalization_mode, int valid_count);
  /// The label of positions that do not count, where there is one.
  boost::optional<int> IgnoreLabel() const {
    return has_ignore_label_ ? boost::optional<int>(ignore_label_) : boost::none;
  }

  bool has_ignore_label_ = false;
  int ignore_label_ = 0;
  LossParameter_NormalizationMode normalization_ = LossParameter_NormalizationMode_VALID;
  int outer_num_ = 0;
  int inner_num_ = 0;
};

}  // namespace caffe

#endif  // CAFFE_LOSS_LAYER_HPP_
