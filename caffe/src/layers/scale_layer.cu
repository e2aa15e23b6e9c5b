#include "caffe/layers/scale_layer.hpp"
#include "layers/broadcast.hpp"
#include "util/device_channels.cuh"

namespace caffe {

template <typename Dtype>
void ScaleLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& factor = Factor(bottom);
  const Channels at(
      BroadcastLayout(*bottom[0], Part::kData, this->layer_param_.scale_param().axis(), factor));
  const Dtype* x = bottom[0]->gpu_data();
  if (bottom[0] == top[0]) caffe_copy(bottom[0]->count(), x, temp_.mutable_gpu_data());
  const Dtype* bias = bias_param_id_ < 0 ? nullptr : this->blobs_[bias_param_id_]->gpu_data();
  ForElements(at.count(),
              ScaleChannels<Dtype>{at, x, factor.gpu_data(), bias, top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void ScaleLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const bool learned = bottom.size() == 1;
  const Blob<Dtype>& x_blob = bottom[0] == top[0] ? temp_ : *bottom[0];
  Blob<Dtype>& factor = Factor(bottom);
  const Channels at(
      BroadcastLayout(x_blob, Part::kData, this->layer_param_.scale_param().axis(), factor));
  const Dtype* dy = top[0]->gpu_diff();
  if (bias_param_id_ >= 0 && this->param_propagate_down(bias_param_id_)) {
    SumRows(at.channels, at.length(), SumOfChannel<Dtype>{at, dy},
            StoreSum<Dtype>{this->blobs_[bias_param_id_]->mutable_gpu_diff(), true});
  }
  if (learned ? this->param_propagate_down(0) : propagate_down[1]) {
    SumRows(at.channels, at.length(), DotOfChannel<Dtype>{at, dy, x_blob.gpu_data()},
            StoreSum<Dtype>{factor.mutable_gpu_diff(), learned});
  }
  if (propagate_down[0]) {
    ForElements(at.count(), ScaleChannels<Dtype>{at, dy, factor.gpu_data(), nullptr,
                                                 bottom[0]->mutable_gpu_diff()});
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(ScaleLayer);

}  // namespace caffe
