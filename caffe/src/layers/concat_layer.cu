#include "caffe/layers/concat_layer.hpp"
#include "util/device_rows.cuh"

namespace caffe {

template <typename Dtype>
void ConcatLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  if (bottom.size() == 1) return;
  Dtype* to = top[0]->mutable_gpu_data();
  const int top_row = top[0]->shape(concat_axis_) * concat_input_size_;
  for (const Blob<Dtype>* part : bottom) {
    const int row = part->shape(concat_axis_) * concat_input_size_;
    CopyRowsOnGpu(num_concats_, row, part->gpu_data(), row, to, top_row);
    to += row;
  }
}

template <typename Dtype>
void ConcatLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() == 1) return;
  const Dtype* from = top[0]->gpu_diff();
  const int top_row = top[0]->shape(concat_axis_) * concat_input_size_;
  for (size_t i = 0; i < bottom.size(); ++i) {
    const int row = bottom[i]->shape(concat_axis_) * concat_input_size_;
    if (propagate_down[i]) {
      CopyRowsOnGpu(num_concats_, row, from, top_row, bottom[i]->mutable_gpu_diff(), row);
    }
    from += row;
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(ConcatLayer);

}  // namespace caffe
