#include "caffe/layers/argmax_layer.hpp"
#include "gpu/loops.cuh"

namespace caffe {

namespace {

// The k largest of a line of n elements `stride` apart, the larger index first among equal ones.
template <typename Dtype>
struct LargestOfLine {
  int n, stride, k;
  int item;  // elements of the top for each outer index
  bool values, both;
  const Dtype* x;
  Dtype* y;

  CAFFE_HOST_DEVICE void operator()(int line) const {
    const int outer = line / stride, inner = line % stride;
    const Dtype* from = x + std::ptrdiff_t(outer) * n * stride + inner;
    Dtype* to = y + std::ptrdiff_t(outer) * item + inner;
    int before = -1;
    for (int j = 0; j < k; ++j) {
      int best = -1;
      for (int i = 0; i < n; ++i) {
        const Dtype value = from[std::ptrdiff_t(i) * stride];
        if (before >= 0) {
          const Dtype last = from[std::ptrdiff_t(before) * stride];
          if (value > last || (value == last && i >= before)) continue;
        }
        if (best < 0 || value >= from[std::ptrdiff_t(best) * stride]) best = i;
      }
      const Dtype value = from[std::ptrdiff_t(Larger(best, 0)) * stride];
      to[j * stride] = values && !both ? value : static_cast<Dtype>(best);
      if (both) to[(k + j) * stride] = value;
      before = best;
    }
  }
};

}  // namespace

template <typename Dtype>
void ArgMaxLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& from = *bottom[0];
  const int n = has_axis_ ? from.shape(axis_) : from.count(1);
  const int stride = has_axis_ ? from.count(axis_ + 1) : 1;
  const bool both = out_max_val_ && !has_axis_;
  const int k = static_cast<int>(top_k_);
  ForElements(from.count() / n,
              LargestOfLine<Dtype>{n, stride, k, (both ? 2 : 1) * k * stride, out_max_val_, both,
                                   from.gpu_data(), top[0]->mutable_gpu_data()});
}

INSTANTIATE_LAYER_GPU_FORWARD(ArgMaxLayer);

}  // namespace caffe
