#include <cfloat>

#include "caffe/layers/softmax_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "layers/softmax_elements.hpp"

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
  ClassesOf at;
  LabelReader<Dtype> labels;
  Dtype loss_weight;
  const Dtype* normalizer;
  const Dtype* prob;
  const Dtype* weights;  // or null
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int label = labels(at.Position(i));
    const Dtype scale = loss_weight / *normalizer;
    const Dtype factor = label < 0 ? Dtype(0) : scale * (weights ? weights[label] : Dtype(1));
    dx[i] = factor * (prob[i] - (label == at.Class(i) ? 1 : 0));
  }
};

// ---- weight_by_label_freqs; see ClassWeights ----

template <typename Dtype>
struct IsOfClass {
  LabelReader<Dtype> labels;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const { return labels(i) == c ? 1 : 0; }
};

// Finds the two in the middle of the counts that are not 0, by their ranks.
struct MiddleOfCounts {
  int classes;
  const double* counts;
  double* middle;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    if (counts[c] == 0) return;
    int present = 0, rank = 0;
    for (int k = 0; k < classes; ++k) {
      present += counts[k] > 0;
      rank += counts[k] > 0 && (counts[k] < counts[c] || (counts[k] == counts[c] && k < c));
    }
    if (rank == (present - 1) / 2) middle[0] = counts[c];
    if (rank == present / 2) middle[1] = counts[c];
  }
};

template <typename Dtype>
struct WeightByCount {
  const double* counts;
  const double* middle;
  Dtype* weights;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    const Dtype median = static_cast<Dtype>((middle[0] + middle[1]) / 2);
    weights[c] = counts[c] > 0 ? median / static_cast<Dtype>(counts[c]) : Dtype(1);
  }
};

}  // namespace

template <typename Dtype>
const Dtype* SoftmaxWithLossLayer<Dtype>::WeightsOnGpu(const Blob<Dtype>& labels) {
  if (!Weighted()) return nullptr;
  const int classes = this->classes();
  const bool known = device_weights_.count() == classes;
  device_weights_.Reshape(vector<int>{classes});
  if (this->layer_param_.loss_param().class_weighting_size() > 0) {
    if (!known) {
      const vector<Dtype> values = ClassWeights();
      std::copy(values.begin(), values.end(), device_weights_.mutable_cpu_data());
    }
    return device_weights_.gpu_data();
  }
  device_counts_.Reshape(vector<int>{classes + 2});
  double* counts = device_counts_.mutable_gpu_data();
  double* middle = counts + classes;
  const LabelReader<Dtype> reader(labels.gpu_data(), classes, this->IgnoreLabel());
  SumRows(classes, labels.count(), IsOfClass<Dtype>{reader}, StoreSum<double>{counts, false});
  ForElements(classes, MiddleOfCounts{classes, counts, middle});
  ForElements(classes, WeightByCount<Dtype>{counts, middle, device_weights_.mutable_gpu_data()});
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
  ForElements(bottom[0]->count(), LossDiff<Dtype>{{this->classes(), this->inner_num_},
                                                  labels,
                                                  top[0]->cpu_diff()[0],
                                                  device_normalizer_.gpu_data(),
                                                  this->prob_.gpu_data(),
                                                  Weighted() ? device_weights_.gpu_data() : nullptr,
                                                  bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(SoftmaxWithLossLayer);

}  // namespace caffe
