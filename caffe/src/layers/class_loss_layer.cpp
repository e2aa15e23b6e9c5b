#include "caffe/layers/class_loss_layer.hpp"

#include <vector>

#include "caffe/layer_factory.hpp"
#include "layers/no_gradient.hpp"
#include "util/class_blocks.hpp"

namespace caffe {

template <typename Dtype>
void ClassLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::LayerSetUp(bottom, top);
  this->ReadLossParam(LossParameter_NormalizationMode_VALID);
  LayerParameter param(this->layer_param_);
  param.set_type("Softmax");
  param.clear_loss_weight();
  param.mutable_softmax_param()->set_axis(ClassAxis());
  softmax_layer_ = LayerRegistry<Dtype>::CreateLayer(param);
  softmax_bottom_vec_.assign(1, bottom[0]);
  softmax_top_vec_.assign(1, &prob_);
  softmax_layer_->SetUp(softmax_bottom_vec_, softmax_top_vec_);
}

template <typename Dtype>
void ClassLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::Reshape(bottom, top);
  loss_of_gpu_ = false;
  softmax_bottom_vec_[0] = bottom[0];
  softmax_layer_->Reshape(softmax_bottom_vec_, softmax_top_vec_);
  softmax_axis_ = bottom[0]->CanonicalAxisIndex(ClassAxis());
  this->outer_num_ = bottom[0]->count(0, softmax_axis_);
  this->inner_num_ = bottom[0]->count(softmax_axis_ + 1);
  ClassLabels::CheckShape(*bottom[1], this->outer_num_ * this->inner_num_);
  if (top.size() == 1) return;
  top[1]->ReshapeLike(*bottom[0]);
  top[1]->ShareData(prob_);
}

template <typename Dtype>
void ClassLossLayer<Dtype>::ForwardProbabilities(const vector<Blob<Dtype>*>& bottom) {
  softmax_layer_->Forward(softmax_bottom_vec_, softmax_top_vec_);
  ReadTargets(bottom);
}

template <typename Dtype>
void ClassLossLayer<Dtype>::ReadTargets(const vector<Blob<Dtype>*>& bottom) {
  labels_.Read(*bottom[1], classes(), this->IgnoreLabel());
  normalizer_ = this->get_normalizer(this->normalization_, labels_.valid_count());
}

template <typename Dtype>
void ClassLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  ReadTargets(bottom);
  const Dtype scale = top[0]->cpu_diff()[0] / normalizer_;
  const Dtype* prob = prob_.cpu_data();
  Dtype* diff = bottom[0]->mutable_cpu_diff();
  ForClassBlocks(this->outer_num_, classes(), this->inner_num_,
                 [&](std::ptrdiff_t start, std::ptrdiff_t position, int length) {
                   BlockDiff(position, length, scale, prob + start, diff + start);
                 });
}

#ifndef CPU_ONLY
template <typename Dtype>
void ClassLossLayer<Dtype>::ReadTargetsForGpu(const vector<Blob<Dtype>*>& bottom) {
  ReadTargets(bottom);
  device_normalizer_.Reshape(vector<int>());
  device_normalizer_.mutable_cpu_data()[0] = normalizer_;
}
#endif

INSTANTIATE_CLASS(ClassLossLayer);

}  // namespace caffe
