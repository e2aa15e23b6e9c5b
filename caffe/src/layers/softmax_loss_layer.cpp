#include "caffe/layers/softmax_loss_layer.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

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
  vector<Dtype> weights(this->classes(), Dtype(1));
  if (!param.weight_by_label_freqs()) return weights;
  const vector<int> counts = this->labels_.Histogram(this->classes());
  vector<int> present;
  for (const int count : counts) {
    if (count > 0) present.push_back(count);
  }
  if (present.empty()) return weights;
  std::sort(present.begin(), present.end());
  const Dtype median = (present[(present.size() - 1) / 2] + present[present.size() / 2]) / Dtype(2);
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] > 0) weights[c] = median / counts[c];
  }
  return weights;
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  this->ForwardProbabilities(bottom, top);
  class_weights_ = ClassWeights();
  const Dtype* prob = this->prob_.cpu_data();
  const std::ptrdiff_t stride = this->inner_num_;
  const Dtype sum = ParallelSum<Dtype>(this->labels_.count(), [&](std::ptrdiff_t i) {
    const int label = this->labels_[i];
    if (label == ClassLabels::kIgnored) return Dtype(0);
    const Dtype p = prob[this->Start(i) + label * stride];
    return -class_weights_[label] * std::log(std::max(p, Dtype(FLT_MIN)));
  });
  top[0]->mutable_cpu_data()[0] = sum / this->normalizer_;
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::BlockDiff(std::ptrdiff_t position, int length, Dtype scale,
                                            const Dtype* prob, Dtype* diff) const {
  int label[kClassBlock];
  Dtype factor[kClassBlock];
  for (int i = 0; i < length; ++i) {
    label[i] = this->labels_[position + i];
    factor[i] = label[i] == ClassLabels::kIgnored ? Dtype(0) : scale * class_weights_[label[i]];
  }
  const int classes = this->classes();
  for (int c = 0; c < classes; ++c) {
    const Dtype* p = prob + std::ptrdiff_t(c) * this->inner_num_;
    Dtype* d = diff + std::ptrdiff_t(c) * this->inner_num_;
#pragma omp simd
    for (int i = 0; i < length; ++i) d[i] = factor[i] * (p[i] - (label[i] == c ? 1 : 0));
  }
}

INSTANTIATE_CLASS(SoftmaxWithLossLayer);
REGISTER_LAYER_CLASS(SoftmaxWithLoss);

}  // namespace caffe
