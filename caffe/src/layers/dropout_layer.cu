#include "caffe/layers/dropout_layer.hpp"
#include "caffe/util/counter_rng.hpp"
#include "gpu/layout.hpp"
#include "gpu/vectors.cuh"
#include "layers/element_layout.hpp"

namespace caffe {

namespace {

// Element i: unit i of the values. Forward and Backward alike, each from the random numbers:
// reading a mask would take longer than making it.
template <typename Real, typename Unit>
struct DropUnit {
  uint64_t seed;
  uint32_t bound;
  Real scale;
  const Unit* from;
  Unit* to;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const uint64_t first = uint64_t(i) * Unit::kSize;
    const Unit in = from[i];
    Unit out;
    for (int j = 0; j < Unit::kSize; ++j) {
      const bool keep = CounterRandom32(seed, first + j) >= bound;
      out[j] = keep ? Real(in[j]) * scale : Real(0);
    }
    to[i] = out;
  }
};

template <typename T>
void DropOnGpu(int count, uint64_t seed, uint32_t bound, Arithmetic<T> scale, const T* from,
               T* to) {
  ForUnitsOfBlob<T>(count, Aligned(from, to), [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    return DropUnit<Arithmetic<T>, Unit>{seed, bound, scale, AsUnits<Unit>(from),
                                         AsUnits<Unit>(to)};
  });
}

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
    DrawSeed();
    DropOnGpu<T>(count, seed_, DropBound(), scale_, x, y);
  });
}

template <typename Dtype>
void DropoutLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int count = bottom[0]->count();
  const bool drops = Drops();
  // The CPU or a derived class has dropped.
  if (drops && has_mask_) return Backward_cpu(top, propagate_down, bottom);
  ChannelLayout layout = StoredOnGpu(*top[0], Part::kDiff);
  if (drops && layout.block != mask_block_) layout = LayoutInBlocks(*top[0], mask_block_);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    T* dx = WriteOnGpu<T>(layout, bottom[0], Part::kDiff);
    if (!drops) return caffe_gpu_memcpy(count * sizeof(T), dy, dx);
    DropOnGpu<T>(count, seed_, DropBound(), scale_, dy, dx);
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(DropoutLayer);

}  // namespace caffe
