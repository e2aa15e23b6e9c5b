#include "caffe/layers/geometric_loss_layer.hpp"
#include "gpu/loops.cuh"
#include "layers/geometric_elements.hpp"
#include "layers/loss_divisor.hpp"

namespace caffe {

template <typename Dtype>
void GeometricLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                             const vector<bool>& propagate_down,
                                             const vector<Blob<Dtype>*>& bottom) {
  SpreadGroupSums<OnGpu>(this->layer_param_.geometric_loss_param().num_dim(),
                         top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]), this->diff_,
                         propagate_down, bottom, [](int n, const auto& op) { ForElements(n, op); });
}

INSTANTIATE_LAYER_GPU_BACKWARD(GeometricLossLayer);

}  // namespace caffe
