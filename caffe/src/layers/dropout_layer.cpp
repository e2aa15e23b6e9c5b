#include "caffe/layers/dropout_layer.hpp"

#include <vector>

#include "caffe/util/counter_rng.hpp"
#include "caffe/util/parallel_for.hpp"
#include "layers/element_layout.hpp"

namespace caffe {

template <typename Dtype>
void DropoutLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  threshold_ = this->layer_param_.dropout_param().dropout_ratio();
  CHECK(threshold_ >= 0 && threshold_ < 1)
      << threshold_ << ": dropout_ratio must be at least 0 and below 1";
  scale_ = 1 / (1 - threshold_);
}

template <typename Dtype>
void DropoutLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  NeuronLayer<Dtype>::Reshape(bottom, top);
  rand_vec_.Reshape(bottom[0]->shape());
}

template <typename Dtype>
void DropoutLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  const ChannelLayout layout = ElementLayout(*bottom[0]);
  const Dtype* x = ReadIn(layout, *bottom[0]);
  Dtype* y = WriteIn(layout, top[0]);
  if (Drops()) {
    mask_block_ = layout.block;
    DrawSeed();
    Mask(count, x, MaskOnHost(count), y);
  } else {
    caffe_copy(count, x, y);
  }
}

template <typename Dtype>
void DropoutLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const bool drops = Drops();
  const ChannelLayout layout =
      drops ? LayoutInBlocks(*top[0], mask_block_) : ElementLayout(*top[0], Part::kDiff);
  const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
  Dtype* dx = WriteIn(layout, bottom[0], Part::kDiff);
  const int count = bottom[0]->count();
  if (drops) {
    Mask(count, dy, MaskOnHost(count), dx);
  } else {
    caffe_copy(count, dy, dx);
  }
}

template <typename Dtype>
void DropoutLayer<Dtype>::DrawSeed() {
  const uint64_t high = caffe_rng_rand();
  seed_ = high << 32 | caffe_rng_rand();
  has_mask_ = false;
}

template <typename Dtype>
const unsigned int* DropoutLayer<Dtype>::MaskOnHost(int count) {
  if (has_mask_) return rand_vec_.cpu_data();
  unsigned int* keep = rand_vec_.mutable_cpu_data();
  const uint64_t seed = seed_;
  const uint32_t bound = DropBound();
  // Two elements share a random number; see CounterRandom32.
  ParallelFor((count + 1) / 2, kElementwiseGrain / 2,
              [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (std::ptrdiff_t pair = begin; pair < end; ++pair) {
                  const uint64_t random = CounterRandom(seed, pair);
                  keep[2 * pair] = (random >> 32) >= bound;
                  if (2 * pair + 1 < count) keep[2 * pair + 1] = (random & 0xffffffffu) >= bound;
                }
              });
  has_mask_ = true;
  return keep;
}

template <typename Dtype>
void DropoutLayer<Dtype>::Mask(int count, const Dtype* from, const unsigned int* keep,
                               Dtype* to) const {
  const Dtype scale = scale_;
  // Multiplied, not chosen: the mask is random, and no processor could predict the branches.
  ParallelElements(
      count, [=](std::ptrdiff_t i) { to[i] = from[i] * (scale * static_cast<int>(keep[i])); });
}

INSTANTIATE_CLASS(DropoutLayer);
REGISTER_LAYER_CLASS(Dropout);

}  // namespace caffe
