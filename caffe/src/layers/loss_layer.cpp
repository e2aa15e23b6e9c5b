#include "caffe/layers/loss_layer.hpp"

#include <vector>

#include "layers/loss_divisor.hpp"

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
void LossLayer<Dtype>::ReadLossParam(LossParameter_NormalizationMode otherwise) {
  const LossParameter& param = this->layer_param_.loss_param();
  has_ignore_label_ = param.has_ignore_label();
  ignore_label_ = param.ignore_label();
  normalization_ = otherwise;
  if (param.has_normalization()) {
    normalization_ = param.normalization();
  } else if (param.has_normalize()) {  // the older way to say it
    normalization_ = param.normalize() ? LossParameter_NormalizationMode_VALID
                                       : LossParameter_NormalizationMode_BATCH_SIZE;
  }
}

template <typename Dtype>
Dtype LossLayer<Dtype>::get_normalizer(LossParameter_NormalizationMode normalization_mode,
                                       int valid_count) {
  const int positions = outer_num_ * inner_num_;
  const LossDivisor divisor = {normalization_mode, outer_num_, positions};
  return static_cast<Dtype>(divisor(valid_count == -1 ? positions : valid_count));
}

INSTANTIATE_CLASS(LossLayer);

}  // namespace caffe
