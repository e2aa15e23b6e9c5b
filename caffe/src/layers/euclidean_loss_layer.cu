#include "caffe/layers/euclidean_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/loss_divisor.hpp"

namespace caffe {

template <typename Dtype>
void EuclideanLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                            const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  caffe_gpu_sub(count, bottom[0]->gpu_data(), bottom[1]->gpu_data(), diff_.mutable_gpu_data());
  const Channels one({1, 1, count, 1, 1});
  const double half = 0.5 / ItemDivisor(*bottom[0]);
  SumChannels(one, SquareOfChannel(), StoreScaled<Dtype>{half, top[0]->mutable_gpu_data()},
              diff_.gpu_data());
}

template <typename Dtype>
void EuclideanLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                             const vector<bool>& propagate_down,
                                             const vector<Blob<Dtype>*>& bottom) {
  const Dtype scale = top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]);
  for (int i = 0; i < 2; ++i) {
    if (!propagate_down[i]) continue;
    caffe_gpu_scale(diff_.count(), i == 0 ? scale : -scale, diff_.gpu_data(),
                    bottom[i]->mutable_gpu_diff());
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(EuclideanLossLayer);

}  // namespace caffe
