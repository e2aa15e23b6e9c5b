#include "caffe/layers/split_layer.hpp"
#include "layers/device_operands.cuh"

namespace caffe {

template <typename Dtype>
void SplitLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  vector<const Dtype*> dy;
  for (const Blob<Dtype>* copy : top) dy.push_back(copy->gpu_diff());
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  ForOperands<Dtype>(dy, vector<Dtype>(dy.size(), Dtype(1)),
                     [&](const auto& x, int) { SumOnGpu(bottom[0]->count(), x, dx); });
}

INSTANTIATE_LAYER_GPU_BACKWARD(SplitLayer);

}  // namespace caffe
