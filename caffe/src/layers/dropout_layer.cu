#include "caffe/layers/dropout_layer.hpp"
#include "caffe/util/counter_rng.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

template <typename Dtype>
struct DropElement {
  uint64_t seed;
  uint32_t bound;
  Dtype scale;
  const Dtype* x;
  unsigned int* keep;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    keep[i] = CounterRandom32(seed, i) >= bound;
    y[i] = keep[i] ? x[i] * scale : Dtype(0);
  }
};

template <typename Dtype>
struct MaskElement {
  Dtype scale;
  const Dtype* dy;
  const unsigned int* keep;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const { dx[i] = keep[i] ? dy[i] * scale : Dtype(0); }
};

}  // namespace

template <typename Dtype>
void DropoutLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  const Dtype* x = bottom[0]->gpu_data();
  Dtype* y = top[0]->mutable_gpu_data();
  if (this->phase_ != TRAIN) {
    caffe_copy(count, x, y);
    return;
  }
  mask_block_ = 1;
  ForElements(count, DropElement<Dtype>{DrawSeed(), DropBound(), scale_, x,
                                        rand_vec_.mutable_gpu_data(), y});
}

template <typename Dtype>
void DropoutLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int count = bottom[0]->count();
  const Dtype* dy = top[0]->gpu_diff();
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  if (this->phase_ != TRAIN) {
    caffe_copy(count, dy, dx);
    return;
  }
  ForElements(count, MaskElement<Dtype>{scale_, dy, rand_vec_.gpu_data(), dx});
}

INSTANTIATE_LAYER_GPU_FUNCS(DropoutLayer);

}  // namespace caffe
