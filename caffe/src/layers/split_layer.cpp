#include "caffe/layers/split_layer.hpp"

#include <algorithm>
#include <vector>

#include "caffe/util/parallel_for.hpp"
#include "layers/element_layout.hpp"

namespace caffe {

template <typename Dtype>
void SplitLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  for (Blob<Dtype>* copy : top) {
    CHECK(copy != bottom[0]) << "a Split layer cannot work in place: give its tops new names";
    copy->ReshapeLike(*bottom[0]);
  }
}

template <typename Dtype>
void SplitLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  for (Blob<Dtype>* copy : top) copy->ShareData(*bottom[0]);
}

template <typename Dtype>
void SplitLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const ChannelLayout layout = ElementLayout(*top[0], Part::kDiff);
  vector<const Dtype*> dy;
  for (const Blob<Dtype>* copy : top) dy.push_back(ReadIn(layout, *copy, Part::kDiff));
  Dtype* dx = WriteIn(layout, bottom[0], Part::kDiff);
  const std::ptrdiff_t kBlock = 2048;  // stays in the first-level cache while the diffs are added
  ParallelFor(bottom[0]->count(), kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t block = begin; block < end; block += kBlock) {
      const std::ptrdiff_t stop = std::min(end, block + kBlock);
      std::copy(dy[0] + block, dy[0] + stop, dx + block);
      for (size_t k = 1; k < dy.size(); ++k) {
        const Dtype* more = dy[k];
#pragma omp simd
        for (std::ptrdiff_t i = block; i < stop; ++i) dx[i] += more[i];
      }
    }
  });
}

INSTANTIATE_CLASS(SplitLayer);
REGISTER_LAYER_CLASS(Split);

}  // namespace caffe
