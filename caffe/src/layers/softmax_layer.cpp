#include "caffe/layers/softmax_layer.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "util/class_blocks.hpp"

namespace caffe {

template <typename Dtype>
void SoftmaxLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  softmax_axis_ = bottom[0]->CanonicalAxisIndex(this->layer_param_.softmax_param().axis());
  outer_num_ = bottom[0]->count(0, softmax_axis_);
  inner_num_ = bottom[0]->count(softmax_axis_ + 1);
  top[0]->ReshapeLike(*bottom[0]);
}

template <typename Dtype>
void SoftmaxLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->shape(softmax_axis_);
  const std::ptrdiff_t stride = inner_num_;
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  ForClassBlocks(outer_num_, classes, inner_num_,
                 [=](std::ptrdiff_t start, std::ptrdiff_t, int length) {
                   // Without its maximum, no exponential of a position overflows.
                   Dtype peak[kClassBlock];
                   std::copy(x + start, x + start + length, peak);
                   for (int c = 1; c < classes; ++c) {
                     const Dtype* scores = x + start + c * stride;
                     for (int i = 0; i < length; ++i) peak[i] = std::max(peak[i], scores[i]);
                   }
                   Dtype sum[kClassBlock] = {};
                   for (int c = 0; c < classes; ++c) {
                     const Dtype* scores = x + start + c * stride;
                     Dtype* parts = y + start + c * stride;
                     for (int i = 0; i < length; ++i) {
                       parts[i] = std::exp(scores[i] - peak[i]);
                       sum[i] += parts[i];
                     }
                   }
                   for (int c = 0; c < classes; ++c) {
                     Dtype* parts = y + start + c * stride;
                     for (int i = 0; i < length; ++i) parts[i] /= sum[i];
                   }
                 });
}

template <typename Dtype>
void SoftmaxLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int classes = top[0]->shape(softmax_axis_);
  const std::ptrdiff_t stride = inner_num_;
  const Dtype* y = top[0]->cpu_data();
  const Dtype* dy = top[0]->cpu_diff();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  ForClassBlocks(outer_num_, classes, inner_num_,
                 [=](std::ptrdiff_t start, std::ptrdiff_t, int length) {
                   // dx = y (dy - sum of y dy)
                   Dtype dot[kClassBlock] = {};
                   for (int c = 0; c < classes; ++c) {
                     const std::ptrdiff_t at = start + c * stride;
                     for (int i = 0; i < length; ++i) dot[i] += y[at + i] * dy[at + i];
                   }
                   for (int c = 0; c < classes; ++c) {
                     const std::ptrdiff_t at = start + c * stride;
#pragma omp simd
                     for (int i = 0; i < length; ++i)
                       dx[at + i] = y[at + i] * (dy[at + i] - dot[i]);
                   }
                 });
}

INSTANTIATE_CLASS(SoftmaxLayer);
REGISTER_LAYER_CLASS(Softmax);

}  // namespace caffe
