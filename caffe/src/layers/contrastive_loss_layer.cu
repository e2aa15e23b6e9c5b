#include "caffe/layers/contrastive_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/contrastive_elements.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct LossOfPair {
  ContrastivePairs<Dtype> pairs;
  CAFFE_HOST_DEVICE double operator()(int, int i) const { return pairs.Loss(i); }
};

template <typename Dtype>
struct PullElement {
  ContrastivePairs<Dtype> pairs;
  int length;
  Dtype scale;
  const Dtype* diff;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    dx[i] = scale * pairs.Pull(i / length) * diff[i];
  }
};

}  // namespace

template <typename Dtype>
void ContrastiveLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  const ContrastiveLossParameter& param = this->layer_param_.contrastive_loss_param();
  const int pairs = bottom[0]->shape(0);
  const int length = bottom[0]->shape(1);
  caffe_gpu_sub(diff_.count(), bottom[0]->gpu_data(), bottom[1]->gpu_data(),
                diff_.mutable_gpu_data());
  const Channels rows({1, pairs, length, 1, 1});
  SumChannels(rows, SquareOfChannel(), StoreSum<Dtype>{dist_sq_.mutable_gpu_data(), false},
              diff_.gpu_data());
  SumRows(1, pairs,
          LossOfPair<Dtype>{{Dtype(param.margin()), param.legacy_version(), bottom[2]->gpu_data(),
                             dist_sq_.gpu_data()}},
          StoreScaled<Dtype>{0.5 / ItemDivisor(*bottom[0]), top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void ContrastiveLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 2);
  const ContrastiveLossParameter& param = this->layer_param_.contrastive_loss_param();
  const Dtype scale = top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]);
  const ContrastivePairs<Dtype> pairs = {Dtype(param.margin()), param.legacy_version(),
                                         bottom[2]->gpu_data(), dist_sq_.gpu_data()};
  for (int k = 0; k < 2; ++k) {
    if (!propagate_down[k]) continue;
    ForElements(diff_.count(),
                PullElement<Dtype>{pairs, bottom[0]->shape(1), k == 0 ? scale : -scale,
                                   diff_.gpu_data(), bottom[k]->mutable_gpu_diff()});
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(ContrastiveLossLayer);

}  // namespace caffe
