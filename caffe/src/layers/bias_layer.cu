#include "caffe/layers/bias_layer.hpp"
#include "layers/broadcast.hpp"
#include "util/device_channels.cuh"

namespace caffe {

template <typename Dtype>
void BiasLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& bias = Operand(bottom);
  const Channels at(
      BroadcastLayout(*bottom[0], Part::kData, this->layer_param_.bias_param().axis(), bias));
  ForElements(at.count(), ScaleChannels<Dtype>{at, bottom[0]->gpu_data(), nullptr, bias.gpu_data(),
                                               top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void BiasLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  Blob<Dtype>& bias = Operand(bottom);
  const Channels at(
      BroadcastLayout(*top[0], Part::kDiff, this->layer_param_.bias_param().axis(), bias));
  const Dtype* dy = top[0]->gpu_diff();
  const bool learned = bottom.size() == 1;
  if (learned ? this->param_propagate_down(0) : propagate_down[1]) {
    SumRows(at.channels, at.length(), SumOfChannel<Dtype>{at, dy},
            StoreSum<Dtype>{bias.mutable_gpu_diff(), learned});
  }
  if (propagate_down[0] && bottom[0] != top[0]) {
    caffe_copy(at.count(), dy, bottom[0]->mutable_gpu_diff());
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(BiasLayer);

}  // namespace caffe
