#include "caffe/layers/softmax_layer.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// One position of scores of shape outer x classes x inner.
struct ClassesOf {
  int classes, inner;
  CAFFE_HOST_DEVICE int First(int position) const {
    return position / inner * classes * inner + position % inner;
  }
};

template <typename Dtype>
struct SoftmaxOfPosition {
  ClassesOf at;
  const Dtype* x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int position) const {
    const int first = at.First(position);
    // Without its maximum, no exponential of a position overflows.
    Dtype peak = x[first];
    for (int c = 1; c < at.classes; ++c) peak = Larger(peak, x[first + c * at.inner]);
    Dtype sum = 0;
    for (int c = 0; c < at.classes; ++c) {
      const int i = first + c * at.inner;
      y[i] = std::exp(x[i] - peak);
      sum += y[i];
    }
    for (int c = 0; c < at.classes; ++c) y[first + c * at.inner] /= sum;
  }
};

// dx = y (dy - sum of y dy)
template <typename Dtype>
struct SoftmaxDiff {
  ClassesOf at;
  const Dtype* y;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int position) const {
    const int first = at.First(position);
    Dtype dot = 0;
    for (int c = 0; c < at.classes; ++c) {
      dot += y[first + c * at.inner] * dy[first + c * at.inner];
    }
    for (int c = 0; c < at.classes; ++c) {
      const int i = first + c * at.inner;
      dx[i] = y[i] * (dy[i] - dot);
    }
  }
};

}  // namespace

template <typename Dtype>
void SoftmaxLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const ClassesOf at = {bottom[0]->shape(softmax_axis_), inner_num_};
  ForElements(std::ptrdiff_t(outer_num_) * inner_num_,
              SoftmaxOfPosition<Dtype>{at, bottom[0]->gpu_data(), top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void SoftmaxLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const ClassesOf at = {top[0]->shape(softmax_axis_), inner_num_};
  ForElements(std::ptrdiff_t(outer_num_) * inner_num_,
              SoftmaxDiff<Dtype>{at, top[0]->gpu_data(), top[0]->gpu_diff(),
                                 bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(SoftmaxLayer);

}  // namespace caffe
