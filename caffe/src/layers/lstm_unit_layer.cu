#include "caffe/layers/lstm_layer.hpp"
#include "gpu/loops.cuh"
#include "layers/lstm_elements.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  ForElements(top[0]->count(),
              LSTMForward<Dtype>{hidden_dim_, bottom[0]->gpu_data(), bottom[1]->gpu_data(),
                                 bottom[2]->gpu_data(), X_acts_.mutable_gpu_data(),
                                 top[0]->mutable_gpu_data(), top[1]->mutable_gpu_data()});
}

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 2);
  if (!propagate_down[0] && !propagate_down[1]) return;
  ForElements(top[0]->count(),
              LSTMBackward<Dtype>{hidden_dim_, bottom[0]->gpu_data(), bottom[2]->gpu_data(),
                                  X_acts_.gpu_data(), top[0]->gpu_data(), top[0]->gpu_diff(),
                                  top[1]->gpu_diff(), bottom[0]->mutable_gpu_diff(),
                                  bottom[1]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(LSTMUnitLayer);

}  // namespace caffe
