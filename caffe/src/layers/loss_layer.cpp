#include "caffe/layers/loss_layer.hpp"

#include <algorithm>
#include <vector>

namespace caffe {

template <typename Dtype>
void LossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  if (this->layer_param_.loss_weight_size() > 0) return;
  for (size_t i = 0; i < top.size(); ++i) this->layer_param_.add_loss_weight(i == 0 ? 1 : 0);
}

template <typename Dtype>
void LossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                               const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->shape(0), bottom[1]->shape(0))
      << ": predictions of shape " << bottom[0]->shape_string() << " and targets of shape "
      << bottom[1]->shape_string() << " must have as many items";
  top[0]->Reshape(vector<int>());
}

template <typename Dtype>
LossParameter_NormalizationMode LossLayer<Dtype>::NormalizationMode(
    LossParameter_NormalizationMode otherwise) const {
  const LossParameter& param = this->layer_param_.loss_param();
  if (param.has_normalization()) return param.normalization();
  // The older way to say it.
  if (param.has_normalize()) {
    return param.normalize() ? LossParameter_NormalizationMode_VALID
                             : LossParameter_NormalizationMode_BATCH_SIZE;
  }
  return otherwise;
}

template <typename Dtype>
Dtype LossLayer<Dtype>::Normalizer(LossParameter_NormalizationMode mode, int items, int positions,
                                   int valid_positions) {
  int divisor = 1;
  if (mode == LossParameter_NormalizationMode_FULL) divisor = positions;
  if (mode == LossParameter_NormalizationMode_VALID) divisor = valid_positions;
  if (mode == LossParameter_NormalizationMode_BATCH_SIZE) divisor = items;
  // A batch in which everything is ignored has loss 0, not 0 / 0.
  return static_cast<Dtype>(std::max(divisor, 1));
}

template <typename Dtype>
std::optional<int> LossLayer<Dtype>::IgnoreLabel() const {
  const LossParameter& param = this->layer_param_.loss_param();
  if (!param.has_ignore_label()) return std::nullopt;
  return param.ignore_label();
}

INSTANTIATE_CLASS(LossLayer);

}  // namespace caffe
