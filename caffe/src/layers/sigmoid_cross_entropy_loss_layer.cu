#include "caffe/layers/sigmoid_cross_entropy_loss_layer.hpp"
#include "gpu/loops.cuh"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "layers/sigmoid_cross_entropy_elements.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct LossOfScore {
  CrossEntropy<Dtype> entropy;
  const Dtype* x;
  const Dtype* t;
  CAFFE_HOST_DEVICE LossSum operator()(int, int i) const {
    return {entropy.Loss(x[i], t[i]), entropy.Counts(t[i]) ? 1. : 0.};
  }
};

template <typename Dtype>
struct ScoreDiff {
  CrossEntropy<Dtype> entropy;
  const Dtype* x;
  const Dtype* t;
  Dtype loss_weight;
  const Dtype* normalizer;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    dx[i] = loss_weight / *normalizer * entropy.Diff(x[i], t[i]);
  }
};

}  // namespace

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                                      const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  device_normalizer_.Reshape(vector<int>());
  const LossDivisor divisor = {this->normalization_, this->outer_num_, count};
  SumRows<LossSum>(
      1, count, LossOfScore<Dtype>{{Ignored()}, bottom[0]->gpu_data(), bottom[1]->gpu_data()},
      StoreLoss<Dtype>{divisor, top[0]->mutable_gpu_data(), device_normalizer_.mutable_gpu_data()});
}

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                                       const vector<bool>& propagate_down,
                                                       const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  // A derived class that computes the loss itself has set normalizer_.
  if (device_normalizer_.count() == 0) return Backward_cpu(top, propagate_down, bottom);
  ForElements(bottom[0]->count(), ScoreDiff<Dtype>{{Ignored()},
                                                   bottom[0]->gpu_data(),
                                                   bottom[1]->gpu_data(),
                                                   top[0]->cpu_diff()[0],
                                                   device_normalizer_.gpu_data(),
                                                   bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(SigmoidCrossEntropyLossLayer);

}  // namespace caffe
