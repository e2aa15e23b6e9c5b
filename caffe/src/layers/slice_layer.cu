#include "caffe/layers/slice_layer.hpp"
#include "layers/device_parts.cuh"

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
  if (propagate_down[0] && top.size() > 1) JoinOnGpu(top, slice_axis_, Part::kDiff, bottom[0]);
}

INSTANTIATE_LAYER_GPU_FUNCS(SliceLayer);

}  // namespace caffe
