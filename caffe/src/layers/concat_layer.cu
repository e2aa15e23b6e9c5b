#include "caffe/layers/concat_layer.hpp"
#include "layers/device_parts.cuh"
#include "layers/shared_memory.hpp"

namespace caffe {

template <typename Dtype>
void ConcatLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  if (bottom.size() > 1) JoinOnGpu(bottom, concat_axis_, Part::kData, top[0]);
}

template <typename Dtype>
void ConcatLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() > 1) return CutOnGpu(top[0], concat_axis_, Part::kDiff, propagate_down, bottom);
  if (propagate_down[0]) PassDiff(*top[0], bottom[0]);
}

INSTANTIATE_LAYER_GPU_FUNCS(ConcatLayer);

}  // namespace caffe
