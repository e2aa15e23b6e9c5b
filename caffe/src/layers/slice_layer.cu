#include "caffe/layers/slice_layer.hpp"
#include "layers/device_parts.cuh"
#include "layers/shared_memory.hpp"

namespace caffe {

template <typename Dtype>
void SliceLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  if (top.size() == 1) return;
  CutOnGpu(bottom[0], slice_axis_, Part::kData, vector<bool>(top.size(), true), top);
}

template <typename Dtype>
void SliceLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if (top.size() > 1) return JoinOnGpu(top, slice_axis_, Part::kDiff, bottom[0]);
  PassDiff(*top[0], bottom[0]);
}

INSTANTIATE_LAYER_GPU_FUNCS(SliceLayer);

}  // namespace caffe
