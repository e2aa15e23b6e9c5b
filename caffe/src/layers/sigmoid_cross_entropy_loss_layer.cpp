#include "caffe/layers/sigmoid_cross_entropy_loss_layer.hpp"

#include <limits>
#include <vector>

#include "layers/no_gradient.hpp"
#include "layers/sigmoid_cross_entropy_elements.hpp"
#include "util/parallel_sum.hpp"
#include "util/vector_math.hpp"

namespace caffe {

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                                     const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::LayerSetUp(bottom, top);
  this->ReadLossParam(LossParameter_NormalizationMode_BATCH_SIZE);
}

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                                  const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::Reshape(bottom, top);
  CHECK_EQ(bottom[0]->count(), bottom[1]->count())
      << ": SigmoidCrossEntropyLoss needs a target for each score; the shapes are "
      << bottom[0]->shape_string() << " and " << bottom[1]->shape_string();
  this->outer_num_ = bottom[0]->shape(0);
  this->inner_num_ = bottom[0]->count(1);
}

template <typename Dtype>
Dtype SigmoidCrossEntropyLossLayer<Dtype>::Ignored() const {
  const auto label = this->IgnoreLabel();
  return label ? Dtype(*label) : std::numeric_limits<Dtype>::quiet_NaN();
}

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                                      const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  const CrossEntropy<Dtype> entropy = {Ignored()};
  const Dtype* x = bottom[0]->cpu_data();
  const Dtype* t = bottom[1]->cpu_data();
  const Dtype sum =
      ParallelSum<Dtype>(count, [=](std::ptrdiff_t i) { return entropy.Loss(x[i], t[i]); });
  const int valid =
      ParallelSum<int>(count, [=](std::ptrdiff_t i) { return entropy.Counts(t[i]) ? 1 : 0; });
  normalizer_ = this->get_normalizer(this->normalization_, valid);
  top[0]->mutable_cpu_data()[0] = sum / normalizer_;
}

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                                       const vector<bool>& propagate_down,
                                                       const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const CrossEntropy<Dtype> entropy = {Ignored()};
  const Dtype scale = top[0]->cpu_diff()[0] / normalizer_;
  const auto diff = [=](Dtype x, Dtype t) { return scale * entropy.Diff(x, t); };
  ParallelMap(bottom[0]->count(), bottom[0]->mutable_cpu_diff(), diff, bottom[0]->cpu_data(),
              bottom[1]->cpu_data());
}

INSTANTIATE_CLASS(SigmoidCrossEntropyLossLayer);
REGISTER_LAYER_CLASS(SigmoidCrossEntropyLoss);

}  // namespace caffe
