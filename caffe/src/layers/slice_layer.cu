#include "caffe/layers/slice_layer.hpp"
#include "util/device_rows.cuh"

namespace caffe {

template <typename Dtype>
void SliceLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  if (top.size() == 1) return;
  const Dtype* from = bottom[0]->gpu_data();
  const int bottom_row = bottom[0]->shape(slice_axis_) * slice_size_;
  for (Blob<Dtype>* part : top) {
    const int row = part->shape(slice_axis_) * slice_size_;
    CopyRowsOnGpu(num_slices_, row, from, bottom_row, part->mutable_gpu_data(), row);
    from += row;
  }
}

template <typename Dtype>
void SliceLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0] || top.size() == 1) return;
  Dtype* to = bottom[0]->mutable_gpu_diff();
  const int bottom_row = bottom[0]->shape(slice_axis_) * slice_size_;
  for (const Blob<Dtype>* part : top) {
    const int row = part->shape(slice_axis_) * slice_size_;
    CopyRowsOnGpu(num_slices_, row, part->gpu_diff(), row, to, bottom_row);
    to += row;
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(SliceLayer);

}  // namespace caffe
