#include "caffe/layers/split_layer.hpp"
#include "layers/device_operands.cuh"
#include "layers/device_parts.hpp"

namespace caffe {

template <typename Dtype>
void SplitLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  ChannelLayout layout = CommonLayoutOnGpu(top, Part::kDiff);
  if (top.size() > kMostOperands) layout = layout.WithElement(Element::kFloat);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    vector<const T*> dy;
    for (const Blob<Dtype>* copy : top) dy.push_back(ReadOnGpu<T>(layout, *copy, Part::kDiff));
    T* dx = WriteOnGpu<T>(layout, bottom[0], Part::kDiff);
    ForOperands(dy, vector<Dtype>(dy.size(), Dtype(1)),
                [&](const auto& x, int) { SumOnGpu(bottom[0]->count(), x, dx); });
  });
}

INSTANTIATE_LAYER_GPU_BACKWARD(SplitLayer);

}  // namespace caffe
