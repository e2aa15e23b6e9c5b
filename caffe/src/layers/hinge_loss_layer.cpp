#include "caffe/layers/hinge_loss_layer.hpp"

#include <vector>

#include "caffe/util/parallel_sum.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
void HingeLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::Reshape(bottom, top);
  ClassLabels::CheckShape(*bottom[1], bottom[0]->shape(0));
}

template <typename Dtype>
void HingeLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->count(1);
  labels_.Read(*bottom[1], classes);
  const bool squared = this->layer_param_.hinge_loss_param().norm() == HingeLossParameter_Norm_L2;
  const Dtype* x = bottom[0]->cpu_data();
  const Dtype sum = ParallelSum<Dtype>(bottom[0]->count(), [&](std::ptrdiff_t i) {
    const Dtype margin = std::fabs(SignedMargin(x, classes, i));
    return squared ? margin * margin : margin;
  });
  top[0]->mutable_cpu_data()[0] = sum / bottom[0]->shape(0);
}

template <typename Dtype>
void HingeLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const int classes = bottom[0]->count(1);
  const bool squared = this->layer_param_.hinge_loss_param().norm() == HingeLossParameter_Norm_L2;
  const Dtype scale = top[0]->cpu_diff()[0] / bottom[0]->shape(0);
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  ParallelElements(bottom[0]->count(), [&](std::ptrdiff_t i) {
    const Dtype margin = SignedMargin(x, classes, i);
    dx[i] = scale * (squared ? 2 * margin : Dtype(caffe_sign(margin)));
  });
}

INSTANTIATE_CLASS(HingeLossLayer);
REGISTER_LAYER_CLASS(HingeLoss);

}  // namespace caffe
