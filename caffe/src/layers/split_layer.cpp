#include "caffe/layers/split_layer.hpp"

#include <algorithm>
#include <vector>

#include "caffe/util/parallel_for.hpp"
#include "layers/element_layout.hpp"
#include "util/simd.hpp"

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

namespace {

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void AddKernel(std::ptrdiff_t n, const T* x, T* sum) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) sum[i] = Dtype(sum[i]) + Dtype(x[i]);
}

// sum = all terms, element by element.
template <typename Dtype, typename T>
void AddAll(const vector<const T*>& terms, std::ptrdiff_t count, T* sum) {
  const std::ptrdiff_t kBlock = 2048;  // stays in the first-level cache while the terms are added
  ParallelFor(count, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t block = begin; block < end; block += kBlock) {
      const std::ptrdiff_t stop = std::min(end, block + kBlock);
      std::copy(terms[0] + block, terms[0] + stop, sum + block);
      for (size_t k = 1; k < terms.size(); ++k) {
        AddKernel<Dtype>(stop - block, terms[k] + block, sum + block);
      }
    }
  });
}

}  // namespace

template <typename Dtype>
void SplitLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  // Sums are made in float; two terms lose nothing to rounding in between.
  ChannelLayout layout = StoredElementLayout(*top[0], Part::kDiff);
  if (top.size() > 2) layout = layout.WithElement(Element::kFloat);
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    vector<const T*> dy;
    for (const Blob<Dtype>* copy : top) dy.push_back(ReadAs<T>(layout, *copy, Part::kDiff));
    T* dx = WriteAs<T>(layout, bottom[0], Part::kDiff);
    AddAll<Dtype>(dy, bottom[0]->count(), dx);
  });
}

INSTANTIATE_CLASS(SplitLayer);
REGISTER_LAYER_CLASS(Split);

}  // namespace caffe
