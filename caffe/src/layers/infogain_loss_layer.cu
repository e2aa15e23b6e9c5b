#include "caffe/layers/infogain_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "layers/softmax_elements.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct GainOfPosition {
  ClassesOf at;
  LabelReader<Dtype> labels;
  Dtype least;
  const Dtype* prob;
  const Dtype* gain;
  int* bad;
  CAFFE_HOST_DEVICE LossSum operator()(int, int i) const {
    const int label = labels(i);
    if (label == LabelReader<Dtype>::kBad) *bad = 1 + i;
    if (label < 0) return {0, 0};
    const Dtype* p = prob + at.First(i);
    const Dtype* row = gain + label * at.classes;
    Dtype loss = 0;
    for (int c = 0; c < at.classes; ++c) loss -= row[c] * std::log(Larger(p[c * at.inner], least));
    return {loss, 1};
  }
};

template <typename Dtype>
struct GainDiff {
  ClassesOf at;
  LabelReader<Dtype> labels;
  Dtype loss_weight;
  const Dtype* normalizer;
  const Dtype* prob;
  const Dtype* gain;
  const Dtype* row_sums;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int label = labels(at.Position(i));
    dx[i] = label < 0 ? Dtype(0)
                      : loss_weight / *normalizer *
                            (prob[i] * row_sums[label] - gain[label * at.classes + at.Class(i)]);
  }
};

}  // namespace

template <typename Dtype>
void InfogainLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  this->labels_.CheckEarlierOnes(num_labels_);
  this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
  if (top.size() > 1) top[1]->ShareData(this->prob_);
  const Dtype* gain = Matrix(bottom).gpu_data();
  const Channels rows({1, num_labels_, num_labels_, 1, 1});
  SumChannels(rows, ValueOfChannel(), StoreSum<Dtype>{sum_rows_H_.mutable_gpu_data(), false}, gain);
  const int positions = this->outer_num_ * this->inner_num_;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), num_labels_, this->IgnoreLabel());
  const LossDivisor divisor = {this->normalization_, this->outer_num_, positions};
  device_normalizer_.Reshape(vector<int>());
  SumRows<LossSum>(
      1, positions,
      GainOfPosition<Dtype>{{num_labels_, this->inner_num_},
                            labels,
                            Dtype(kLOG_THRESHOLD),
                            this->prob_.gpu_data(),
                            gain,
                            this->labels_.bad_label()},
      StoreLoss<Dtype>{divisor, top[0]->mutable_gpu_data(), device_normalizer_.mutable_gpu_data()});
  this->labels_.CheckThese(*bottom[1], num_labels_, this->IgnoreLabel());
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), num_labels_, this->IgnoreLabel());
  ForElements(bottom[0]->count(), GainDiff<Dtype>{{num_labels_, this->inner_num_},
                                                  labels,
                                                  top[0]->cpu_diff()[0],
                                                  device_normalizer_.gpu_data(),
                                                  this->prob_.gpu_data(),
                                                  Matrix(bottom).gpu_data(),
                                                  sum_rows_H_.gpu_data(),
                                                  bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(InfogainLossLayer);

}  // namespace caffe
