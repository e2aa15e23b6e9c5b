#include "caffe/layers/im2col_layer.hpp"
#include "gpu/columns.cuh"

namespace caffe {

template <typename Dtype>
DeviceWindows Im2colLayer<Dtype>::Windows(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const {
  return {num_spatial_axes_,
          bottom.shape().data() + channel_axis_,
          top.shape().data() + channel_axis_,
          kernel_shape_.cpu_data(),
          pad_.cpu_data(),
          stride_.cpu_data(),
          dilation_.cpu_data()};
}

template <typename Dtype>
void Im2colLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const DeviceWindows windows = Windows(*bottom[0], *top[0]);
  const Dtype* image = bottom[0]->gpu_data();
  Dtype* columns = top[0]->mutable_gpu_data();
  for (int n = 0; n < num_; ++n) {
    ImageToColumnsOnGpu(windows, image + n * bottom_dim_, columns + n * top_dim_);
  }
}

template <typename Dtype>
void Im2colLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const DeviceWindows windows = Windows(*bottom[0], *top[0]);
  const Dtype* columns = top[0]->gpu_diff();
  Dtype* image = bottom[0]->mutable_gpu_diff();
  for (int n = 0; n < num_; ++n) {
    ColumnsToImageOnGpu(windows, columns + n * top_dim_, image + n * bottom_dim_);
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(Im2colLayer);

}  // namespace caffe
