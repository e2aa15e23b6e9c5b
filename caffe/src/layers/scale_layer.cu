#include "caffe/layers/scale_layer.hpp"
#include "gpu/channels.cuh"
#include "gpu/layout.hpp"
#include "layers/broadcast.hpp"

namespace caffe {

template <typename Dtype>
void ScaleLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& factor = Factor(bottom);
  const ChannelLayout layout = BroadcastLayout(*bottom[0], StoredOnGpu(*bottom[0]),
                                               this->layer_param_.scale_param().axis(), factor);
  const Dtype* bias = bias_param_id_ < 0 ? nullptr : this->blobs_[bias_param_id_]->gpu_data();
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const Channels at(layout);
    const T* x = ReadOnGpu<T>(layout, *bottom[0]);
    if (bottom[0] == top[0]) {
      caffe_gpu_memcpy(at.count() * sizeof(T), x, WriteOnGpu<T>(layout, &temp_));
    }
    ForChannels(at, ScaleChannels<Dtype>{factor.gpu_data(), bias}, WriteOnGpu<T>(layout, top[0]),
                x);
  });
}

template <typename Dtype>
void ScaleLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const bool learned = bottom.size() == 1;
  const Blob<Dtype>& x_blob = bottom[0] == top[0] ? temp_ : *bottom[0];
  Blob<Dtype>& factor = Factor(bottom);
  const ChannelLayout layout =
      BroadcastLayout(x_blob, StoredOnGpu(x_blob), this->layer_param_.scale_param().axis(), factor);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const Channels at(layout);
    const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    if (bias_param_id_ >= 0 && this->param_propagate_down(bias_param_id_)) {
      SumChannels(at, ValueOfChannel(),
                  StoreSum<Dtype>{this->blobs_[bias_param_id_]->mutable_gpu_diff(), true}, dy);
    }
    if (learned ? this->param_propagate_down(0) : propagate_down[1]) {
      SumChannels(at, ProductOfChannel(), StoreSum<Dtype>{factor.mutable_gpu_diff(), learned}, dy,
                  ReadOnGpu<T>(layout, x_blob));
    }
    if (propagate_down[0]) {
      ForChannels(at, ScaleChannels<Dtype>{factor.gpu_data(), nullptr},
                  WriteOnGpu<T>(layout, bottom[0], Part::kDiff), dy);
    }
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(ScaleLayer);

}  // namespace caffe
