#include <cfloat>

#include "caffe/layers/softmax_loss_layer.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "layers/softmax_elements.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// Makes a position's probabilities, and its loss of them.
template <typename Dtype>
struct LossOfPosition {
  SoftmaxOfPosition<Dtype> softmax;
  LabelReader<Dtype> labels;
  const Dtype* weights;  // or null
  int* bad;
  __device__ LossSum operator()(int, int i) const {
    softmax(i);
    const int label = labels(i);
    if (label == LabelReader<Dtype>::kBad) *bad = 1 + i;
    if (label < 0) return {0, 0};
    const Dtype p = softmax.y[softmax.at.First(i) + label * softmax.at.inner];
    const Dtype weight = weights ? weights[label] : Dtype(1);
    return {-weight * std::log(Larger(p, Dtype(FLT_MIN))), 1};
  }
};

template <typename Dtype>
struct LossDiff {
  LabelReader<Dtype> labels;
  int inner;
  Dtype loss_weight;
  const Dtype* normalizer;
  const Dtype* prob;
  const Dtype* weights;  // or null
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int c = i / inner % labels.classes;
    const int label = labels(i / inner / labels.classes * inner + i % inner);
    const Dtype scale = loss_weight / *normalizer;
    const Dtype factor = label < 0 ? Dtype(0) : scale * (weights ? weights[label] : Dtype(1));
    dx[i] = factor * (prob[i] - (label == c ? 1 : 0));
  }
};

}  // namespace

template <typename Dtype>
const Dtype* SoftmaxWithLossLayer<Dtype>::WeightsOnGpu(const Blob<Dtype>& labels) {
  if (!Weighted()) return nullptr;
  const bool constant = this->layer_param_.loss_param().class_weighting_size() > 0;
  if (!constant) this->labels_.Read(labels, this->classes(), this->IgnoreLabel());
  if (!constant || device_weights_.count() != this->classes()) {
    const vector<Dtype> values = ClassWeights();
    device_weights_.Reshape(vector<int>{this->classes()});
    std::copy(values.begin(), values.end(), device_weights_.mutable_cpu_data());
  }
  return device_weights_.gpu_data();
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  this->labels_.CheckEarlierOnes(this->classes());
  const int positions = this->outer_num_ * this->inner_num_;
  if (top.size() > 1) top[1]->ShareData(this->prob_);
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), this->classes(), this->IgnoreLabel());
  const SoftmaxOfPosition<Dtype> softmax = {
      {this->classes(), this->inner_num_}, bottom[0]->gpu_data(), this->prob_.mutable_gpu_data()};
  device_normalizer_.Reshape(vector<int>());
  const LossDivisor divisor = {this->normalization_, this->outer_num_, positions};
  SumRows<LossSum>(
      1, positions,
      LossOfPosition<Dtype>{softmax, labels, WeightsOnGpu(*bottom[1]), this->labels_.bad_label()},
      StoreLoss<Dtype>{divisor, top[0]->mutable_gpu_data(), device_normalizer_.mutable_gpu_data()});
  this->labels_.CheckThese(*bottom[1], this->classes(), this->IgnoreLabel());
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), this->classes(), this->IgnoreLabel());
  ForElements(bottom[0]->count(),
              LossDiff<Dtype>{labels, this->inner_num_, top[0]->cpu_diff()[0],
                              device_normalizer_.gpu_data(), this->prob_.gpu_data(),
                              Weighted() ? device_weights_.gpu_data() : nullptr,
                              bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(SoftmaxWithLossLayer);

}  // namespace caffe
