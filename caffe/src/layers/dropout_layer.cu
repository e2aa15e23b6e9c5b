#include "caffe/layers/dropout_layer.hpp"
#include "caffe/util/counter_rng.hpp"
#include "gpu/layout.hpp"
#include "gpu/loops.cuh"
#include "layers/element_layout.hpp"

namespace caffe {

namespace {

template <typename T>
struct DropElement {
  uint64_t seed;
  uint32_t bound;
  Arithmetic<T> scale;
  const T* x;
  unsigned int* keep;
  T* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    keep[i] = CounterRandom32(seed, i) >= bound;
    y[i] = keep[i] ? x[i] * scale : Arithmetic<T>(0);
  }
};

template <typename T>
struct MaskElement {
  Arithmetic<T> scale;
  const T* dy;
  const unsigned int* keep;
  T* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    dx[i] = keep[i] ? dy[i] * scale : Arithmetic<T>(0);
  }
};

}  // namespace

template <typename Dtype>
void DropoutLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  const ChannelLayout layout = StoredOnGpu(*bottom[0]);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, *bottom[0]);
    T* y = WriteOnGpu<T>(layout, top[0]);
    if (!Drops()) return caffe_gpu_memcpy(count * sizeof(T), x, y);
    mask_block_ = layout.block;
    ForElements(
        count, DropElement<T>{DrawSeed(), DropBound(), scale_, x, rand_vec_.mutable_gpu_data(), y});
  });
}

template <typename Dtype>
void DropoutLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int count = bottom[0]->count();
  const bool drops = Drops();
  ChannelLayout layout = StoredOnGpu(*top[0], Part::kDiff);
  if (drops && layout.block != mask_block_) layout = LayoutInBlocks(*top[0], mask_block_);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    T* dx = WriteOnGpu<T>(layout, bottom[0], Part::kDiff);
    if (!drops) return caffe_gpu_memcpy(count * sizeof(T), dy, dx);
    ForElements(count, MaskElement<T>{scale_, dy, rand_vec_.gpu_data(), dx});
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(DropoutLayer);

}  // namespace caffe
