#include "caffe/layers/softmax_layer.hpp"

#include <algorithm>
#include <vector>

#include "util/class_blocks.hpp"
#include "util/vector_math.hpp"

namespace caffe {

namespace {

// Scores are taken less the maximum of their position: then no exponential overflows.

// ---- one position, whose classes stand side by side ----

// Like std::max, which gives a reference: compilers make no vector code of that. These are parts of
// functions with CAFFE_SIMD_CLONES.
template <typename Dtype>
inline Dtype Larger(Dtype a, Dtype b) {
  return b > a ? b : a;
}

template <typename Dtype>
inline Dtype PeakOfRow(int classes, const Dtype* x) {
  Dtype peaks[kLanes];
  std::fill(peaks, peaks + kLanes, x[0]);
  int c = 0;
  for (; c + kLanes <= classes; c += kLanes) {
#pragma omp simd
    for (int i = 0; i < kLanes; ++i) peaks[i] = Larger(peaks[i], x[c + i]);
  }
  for (; c < classes; ++c) peaks[0] = Larger(peaks[0], x[c]);
  return *std::max_element(peaks, peaks + kLanes);
}

template <typename Dtype>
CAFFE_SIMD_CLONES void SoftmaxOfRow(int classes, const Dtype* x, Dtype* y) {
  const Dtype peak = PeakOfRow(classes, x);
  const auto exp = [=](Dtype score) { return std::exp(score - peak); };
  MapLanes(classes, y, exp, x);
  Dtype sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int c = 0; c < classes; ++c) sum += y[c];
#pragma omp simd
  for (int c = 0; c < classes; ++c) y[c] /= sum;
}

// dx = y (dy - sum of y dy)
template <typename Dtype>
CAFFE_SIMD_CLONES void DiffOfRow(int classes, const Dtype* y, const Dtype* dy, Dtype* dx) {
  Dtype dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int c = 0; c < classes; ++c) dot += y[c] * dy[c];
#pragma omp simd
  for (int c = 0; c < classes; ++c) dx[c] = y[c] * (dy[c] - dot);
}

// ---- some positions side by side; their classes are `stride` apart ----

template <typename Dtype>
CAFFE_SIMD_CLONES void SoftmaxOfBlock(int classes, std::ptrdiff_t stride, int length,
                                      const Dtype* x, Dtype* y) {
  Dtype peak[kClassBlock], sum[kClassBlock] = {};
  std::copy(x, x + length, peak);
  for (int c = 1; c < classes; ++c) {
    const Dtype* scores = x + c * stride;
#pragma omp simd
    for (int i = 0; i < length; ++i) peak[i] = Larger(peak[i], scores[i]);
  }
  const auto exp = [](Dtype score, Dtype top) { return std::exp(score - top); };
  for (int c = 0; c < classes; ++c) {
    Dtype* parts = y + c * stride;
    MapLanes(length, parts, exp, x + c * stride, peak);
#pragma omp simd
    for (int i = 0; i < length; ++i) sum[i] += parts[i];
  }
  for (int c = 0; c < classes; ++c) {
    Dtype* parts = y + c * stride;
#pragma omp simd
    for (int i = 0; i < length; ++i) parts[i] /= sum[i];
  }
}

template <typename Dtype>
CAFFE_SIMD_CLONES void DiffOfBlock(int classes, std::ptrdiff_t stride, int length, const Dtype* y,
                                   const Dtype* dy, Dtype* dx) {
  Dtype dot[kClassBlock] = {};
  for (int c = 0; c < classes; ++c) {
    const std::ptrdiff_t at = c * stride;
#pragma omp simd
    for (int i = 0; i < length; ++i) dot[i] += y[at + i] * dy[at + i];
  }
  for (int c = 0; c < classes; ++c) {
    const std::ptrdiff_t at = c * stride;
#pragma omp simd
    for (int i = 0; i < length; ++i) dx[at + i] = y[at + i] * (dy[at + i] - dot[i]);
  }
}

}  // namespace

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
  const int classes = bottom[0]->shape(softmax_axis_), inner = inner_num_;
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  ForClassBlocks(outer_num_, classes, inner, [=](std::ptrdiff_t start, std::ptrdiff_t, int length) {
    if (inner == 1) return SoftmaxOfRow(classes, x + start, y + start);
    SoftmaxOfBlock(classes, inner, length, x + start, y + start);
  });
}

template <typename Dtype>
void SoftmaxLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int classes = top[0]->shape(softmax_axis_), inner = inner_num_;
  const Dtype* y = top[0]->cpu_data();
  const Dtype* dy = top[0]->cpu_diff();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  ForClassBlocks(outer_num_, classes, inner, [=](std::ptrdiff_t start, std::ptrdiff_t, int length) {
    if (inner == 1) return DiffOfRow(classes, y + start, dy + start, dx + start);
    DiffOfBlock(classes, inner, length, y + start, dy + start, dx + start);
  });
}

INSTANTIATE_CLASS(SoftmaxLayer);
REGISTER_LAYER_CLASS(Softmax);

}  // namespace caffe
