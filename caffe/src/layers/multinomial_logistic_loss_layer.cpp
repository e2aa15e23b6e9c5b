#include "caffe/layers/multinomial_logistic_loss_layer.hpp"

#include <vector>

#include "layers/class_loss_elements.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "util/parallel_sum.hpp"

namespace caffe {

template <typename Dtype>
void MultinomialLogisticLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                                  const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::Reshape(bottom, top);
  ClassLabels::CheckShape(*bottom[1], bottom[0]->shape(0));
}

template <typename Dtype>
void MultinomialLogisticLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                                      const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->count(1);
  labels_.Read(*bottom[1], classes);
  const Dtype* prob = bottom[0]->cpu_data();
  const Dtype sum = ParallelSum<Dtype>(labels_.count(), [&](std::ptrdiff_t i) {
    return LogLoss(prob[i * classes + labels_[i]], Dtype(kLOG_THRESHOLD));
  });
  top[0]->mutable_cpu_data()[0] = sum / ItemDivisor(*bottom[0]);
}

template <typename Dtype>
void MultinomialLogisticLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                                       const vector<bool>& propagate_down,
                                                       const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const int classes = bottom[0]->count(1);
  labels_.Read(*bottom[1], classes);  // anew: a derived class may compute the loss itself
  const Dtype scale = top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]);
  const Dtype* prob = bottom[0]->cpu_data();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  caffe_set(bottom[0]->count(), Dtype(0), dx);
  for (int i = 0; i < labels_.count(); ++i) {
    const int at = i * classes + labels_[i];
    dx[at] = LogLossDiff(scale, prob[at], Dtype(kLOG_THRESHOLD));
  }
}

INSTANTIATE_CLASS(MultinomialLogisticLossLayer);
REGISTER_LAYER_CLASS(MultinomialLogisticLoss);

}  // namespace caffe
