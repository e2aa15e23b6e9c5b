#include "caffe/layers/bias_layer.hpp"
#include "gpu/channels.cuh"
#include "gpu/layout.hpp"
#include "layers/broadcast.hpp"

namespace caffe {

template <typename Dtype>
void BiasLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& bias = Operand(bottom);
  const ChannelLayout layout = BroadcastLayout(*bottom[0], StoredOnGpu(*bottom[0]),
                                               this->layer_param_.bias_param().axis(), bias);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, *bottom[0]);
    ForChannels(Channels(layout), ScaleChannels<Dtype>{nullptr, bias.gpu_data()},
                WriteOnGpu<T>(layout, top[0]), x);
  });
}

template <typename Dtype>
void BiasLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  Blob<Dtype>& bias = Operand(bottom);
  const ChannelLayout layout = BroadcastLayout(*top[0], StoredOnGpu(*top[0], Part::kDiff),
                                               this->layer_param_.bias_param().axis(), bias);
  const bool learned = bottom.size() == 1;
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const Channels at(layout);
    const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    if (learned ? this->param_propagate_down(0) : propagate_down[1]) {
      SumChannels(at, ValueOfChannel(), StoreSum<Dtype>{bias.mutable_gpu_diff(), learned}, dy);
    }
    if (propagate_down[0] && bottom[0] != top[0]) {
      caffe_gpu_memcpy(at.count() * sizeof(T), dy, WriteOnGpu<T>(layout, bottom[0], Part::kDiff));
    }
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(BiasLayer);

}  // namespace caffe
