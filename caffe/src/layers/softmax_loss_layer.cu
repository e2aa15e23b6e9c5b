#include <cfloat>

#include "caffe/layers/softmax_loss_layer.hpp"
#include "layers/no_gradient.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// The sum of losses, and how many labels are valid and wrong.
struct LossSums {
  double loss, valid, bad;
  CAFFE_HOST_DEVICE void operator+=(const LossSums& other) {
    loss += other.loss;
    valid += other.valid;
    bad += other.bad;
  }
};

struct StoreLossSums {
  double* to;
  CAFFE_HOST_DEVICE void operator()(int, const LossSums& sums) const {
    to[0] = sums.loss;
    to[1] = sums.valid;
    to[2] = sums.bad;
  }
};

template <typename Dtype>
struct LossOfPosition {
  LabelReader<Dtype> labels;
  int inner;
  const Dtype* prob;
  const Dtype* weights;  // or null
  CAFFE_HOST_DEVICE LossSums operator()(int, int i) const {
    const int label = labels(i);
    if (label < 0) return {0, 0, label == LabelReader<Dtype>::kBad ? 1. : 0.};
    const Dtype p = prob[(i / inner * labels.classes + label) * inner + i % inner];
    const Dtype weight = weights ? weights[label] : Dtype(1);
    return {-weight * std::log(Larger(p, Dtype(FLT_MIN))), 1, 0};
  }
};

template <typename Dtype>
struct LossDiff {
  LabelReader<Dtype> labels;
  int inner;
  Dtype scale;
  const Dtype* prob;
  const Dtype* weights;  // or null
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int c = i / inner % labels.classes;
    const int label = labels(i / inner / labels.classes * inner + i % inner);
    const Dtype factor = label < 0 ? Dtype(0) : scale * (weights ? weights[label] : Dtype(1));
    dx[i] = factor * (prob[i] - (label == c ? 1 : 0));
  }
};

}  // namespace

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  const int positions = this->outer_num_ * this->inner_num_;
  this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
  if (top.size() > 1) top[1]->ShareData(this->prob_);
  const Dtype* weights = nullptr;
  if (Weighted()) {
    this->labels_.Read(*bottom[1], this->classes(), this->IgnoreLabel());
    const vector<Dtype> values = ClassWeights();
    device_weights_.Reshape(vector<int>{this->classes()});
    std::copy(values.begin(), values.end(), device_weights_.mutable_cpu_data());
    weights = device_weights_.gpu_data();
  }
  sums_.Reshape(vector<int>{3});
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), this->classes(), this->IgnoreLabel());
  SumRows<LossSums>(
      1, positions,
      LossOfPosition<Dtype>{labels, this->inner_num_, this->prob_.gpu_data(), weights},
      StoreLossSums{sums_.mutable_gpu_data()});
  const double* sums = sums_.cpu_data();
  // Says which label it is.
  if (sums[2] > 0) this->labels_.Read(*bottom[1], this->classes(), this->IgnoreLabel());
  this->normalizer_ = this->get_normalizer(this->normalization_, static_cast<int>(sums[1]));
  top[0]->mutable_cpu_data()[0] = static_cast<Dtype>(sums[0]) / this->normalizer_;
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), this->classes(), this->IgnoreLabel());
  ForElements(
      bottom[0]->count(),
      LossDiff<Dtype>{labels, this->inner_num_, top[0]->cpu_diff()[0] / this->normalizer_,
                      this->prob_.gpu_data(), Weighted() ? device_weights_.gpu_data() : nullptr,
                      bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(SoftmaxWithLossLayer);

}  // namespace caffe
