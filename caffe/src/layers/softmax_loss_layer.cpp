#include "caffe/layers/softmax_loss_layer.hpp"

#include <vector>

#include "layers/class_loss_elements.hpp"
#include "util/class_blocks.hpp"
#include "util/parallel_sum.hpp"

namespace caffe {

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  ClassLossLayer<Dtype>::Reshape(bottom, top);
  const int weights = this->layer_param_.loss_param().class_weighting_size();
  CHECK(weights == 0 || weights == this->classes())
      << "loss_param has " << weights << " class_weighting numbers for the " << this->classes()
      << " classes of scores of shape " << bottom[0]->shape_string();
}

template <typename Dtype>
vector<Dtype> SoftmaxWithLossLayer<Dtype>::ClassWeights() const {
  const LossParameter& param = this->layer_param_.loss_param();
  if (param.class_weighting_size() > 0) {
    return vector<Dtype>(param.class_weighting().begin(), param.class_weighting().end());
  }
  if (!param.weight_by_label_freqs()) return {};
  const int classes = this->classes();
  const vector<int> histogram = this->labels_.Histogram(classes);
  const vector<double> counts(histogram.begin(), histogram.end());
  double middle[2] = {};
  vector<Dtype> weights(classes);
  const MiddleOfCounts find_middle = {classes, counts.data(), middle};
  for (int c = 0; c < classes; ++c) find_middle(c);
  const WeightByCount<Dtype> weigh = {counts.data(), middle, weights.data()};
  for (int c = 0; c < classes; ++c) weigh(c);
  return weights;
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::ReadTargets(const vector<Blob<Dtype>*>& bottom) {
  ClassLossLayer<Dtype>::ReadTargets(bottom);
  class_weights_ = ClassWeights();
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  this->ForwardProbabilities(bottom);
  const WeightedLogLoss<Dtype> loss = {
      {this->classes(), this->inner_num_}, this->prob_.cpu_data(), Weights()};
  const Dtype sum = ParallelSum<Dtype>(
      this->labels_.count(), [&](std::ptrdiff_t i) { return loss.Loss(i, this->labels_[i]); });
  top[0]->mutable_cpu_data()[0] = sum / this->normalizer_;
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::BlockDiff(std::ptrdiff_t position, int length, Dtype scale,
                                            const Dtype* prob, Dtype* diff) const {
  const int classes = this->classes();
  const WeightedLogLoss<Dtype> loss = {{classes, this->inner_num_}, prob, Weights()};
  int label[kClassBlock];
  Dtype factor[kClassBlock];
  for (int i = 0; i < length; ++i) {
    label[i] = this->labels_[position + i];
    factor[i] = loss.Factor(scale, label[i]);
  }
  for (int c = 0; c < classes; ++c) {
    const Dtype* p = prob + std::ptrdiff_t(c) * this->inner_num_;
    Dtype* d = diff + std::ptrdiff_t(c) * this->inner_num_;
#pragma omp simd
    for (int i = 0; i < length; ++i) d[i] = loss.Factored(factor[i], p[i], label[i] == c);
  }
}

INSTANTIATE_CLASS(SoftmaxWithLossLayer);
REGISTER_LAYER_CLASS(SoftmaxWithLoss);

}  // namespace caffe
