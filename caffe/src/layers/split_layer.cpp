#include "caffe/layers/split_layer.hpp"

#include <vector>

#include "layers/element_layout.hpp"
#include "layers/element_sums.hpp"

namespace caffe {

template <typename Dtype>
void SplitLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  for (Blob<Dtype>* copy : top) {
    CHECK(copy != bottom[0]) << "a Split layer cannot work in place: give its tops new names";
    copy->ReshapeLike(*bottom[0]);
    copy->ShareData(*bottom[0]);
  }
}

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
    SumElements(dy, vector<Dtype>(dy.size(), 1), bottom[0]->count(), dx);
  });
}

INSTANTIATE_CLASS(SplitLayer);
REGISTER_LAYER_CLASS(Split);

}  // namespace caffe
