#include "caffe/layers/hinge_loss_layer.hpp"

#include <vector>

#include "layers/exact_class.hpp"
#include "layers/hinge_elements.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "util/parallel_sum.hpp"

namespace caffe {

template <typename Dtype>
void HingeLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::Reshape(bottom, top);
  ClassLabels::CheckShape(*bottom[1], bottom[0]->shape(0));
  has_run_ = false;
}

template <typename Dtype>
void HingeLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->count(1);
  labels_.Read(*bottom[1], classes);
  has_run_ = true;
  const HingeElement<Dtype> hinge = {Squared()};
  const Dtype* x = bottom[0]->cpu_data();
  const Dtype sum = ParallelSum<Dtype>(bottom[0]->count(), [&](std::ptrdiff_t i) {
    return hinge.Loss(hinge.Margin(x[i], labels_[i / classes] == i % classes));
  });
  top[0]->mutable_cpu_data()[0] = sum / ItemDivisor(*bottom[0]);
}

template <typename Dtype>
bool HingeLossLayer<Dtype>::MarginsAreInDiff() const {
  return !has_run_ && !IsExactly<HingeLossLayer>(*this);
}

template <typename Dtype>
void HingeLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const int classes = bottom[0]->count(1);
  labels_.Read(*bottom[1], classes);
  const HingeElement<Dtype> hinge = {Squared()};
  const bool in_diff = MarginsAreInDiff();
  const Dtype scale = top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]);
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  ParallelElements(bottom[0]->count(), [&](std::ptrdiff_t i) {
    const bool is_class = labels_[i / classes] == i % classes;
    const Dtype margin = in_diff ? (is_class ? -dx[i] : dx[i]) : hinge.Margin(x[i], is_class);
    dx[i] = scale * hinge.Diff(margin);
  });
}

INSTANTIATE_CLASS(HingeLossLayer);
REGISTER_LAYER_CLASS(HingeLoss);

}  // namespace caffe
