#include "caffe/layers/contrastive_loss_layer.hpp"

#include <vector>

#include "layers/contrastive_elements.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
void ContrastiveLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::Reshape(bottom, top);
  CHECK(bottom[0]->count() == bottom[1]->count() && bottom[0]->count() == bottom[0]->count(0, 2))
      << "ContrastiveLoss compares two blobs of N x C vectors; their shapes are "
      << bottom[0]->shape_string() << " and " << bottom[1]->shape_string();
  CHECK_EQ(bottom[2]->count(), bottom[0]->shape(0))
      << ": ContrastiveLoss needs one similarity for each pair; its shape is "
      << bottom[2]->shape_string();
  diff_.ReshapeLike(*bottom[0]);
  dist_sq_.Reshape(vector<int>{bottom[0]->shape(0)});
}

template <typename Dtype>
void ContrastiveLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  const ContrastiveLossParameter& param = this->layer_param_.contrastive_loss_param();
  const Dtype margin = param.margin();
  const int pairs = bottom[0]->shape(0);
  const int length = bottom[0]->shape(1);
  caffe_sub(diff_.count(), bottom[0]->cpu_data(), bottom[1]->cpu_data(), diff_.mutable_cpu_data());
  Dtype* dist_sq = dist_sq_.mutable_cpu_data();
  Dtype loss = 0;
  for (int i = 0; i < pairs; ++i) {
    const Dtype* diff = diff_.cpu_data() + i * length;
    dist_sq[i] = caffe_cpu_dot(length, diff, diff);
  }
  const ContrastivePairs<Dtype> measured = {margin, param.legacy_version(), bottom[2]->cpu_data(),
                                            dist_sq};
  for (int i = 0; i < pairs; ++i) loss += measured.Loss(i);
  top[0]->mutable_cpu_data()[0] = loss / ItemDivisor(*bottom[0]) / 2;
}

template <typename Dtype>
void ContrastiveLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 2);
  const ContrastiveLossParameter& param = this->layer_param_.contrastive_loss_param();
  const int pairs = bottom[0]->shape(0);
  const int length = bottom[0]->shape(1);
  const Dtype scale = top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]);
  const ContrastivePairs<Dtype> measured = {Dtype(param.margin()), param.legacy_version(),
                                            bottom[2]->cpu_data(), dist_sq_.cpu_data()};
  for (int i = 0; i < pairs; ++i) {
    const Dtype pull = scale * measured.Pull(i);
    for (int k = 0; k < 2; ++k) {
      if (!propagate_down[k]) continue;
      caffe_cpu_scale(length, k == 0 ? pull : -pull, diff_.cpu_data() + i * length,
                      bottom[k]->mutable_cpu_diff() + i * length);
    }
  }
}

INSTANTIATE_CLASS(ContrastiveLossLayer);
REGISTER_LAYER_CLASS(ContrastiveLoss);

}  // namespace caffe
