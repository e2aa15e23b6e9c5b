#include "caffe/layers/mvn_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/mvn_elements.hpp"

namespace caffe {

template <typename Dtype>
void MVNLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  const MVNParameter& param = this->layer_param_.mvn_param();
  const Channels at(GroupsOf(*bottom[0], param.across_channels()));
  device_statistics_.Reshape(vector<int>{4, at.channels});
  Dtype* mean = device_statistics_.mutable_gpu_data();
  Dtype* factor = mean + at.channels;
  const Dtype* x = bottom[0]->gpu_data();
  SumChannels(at, ValueOfChannel(), StoreGroupMean<Dtype>{at.length(), mean, factor}, x);
  if (param.normalize_variance()) {
    SumChannels(at, SquareDistanceOfChannel<Dtype>{mean},
                StoreGroupFactor<Dtype>{at.length(), double(eps_), factor}, x);
  }
  ForChannels(at, NormalizeChannels<Dtype>{mean, factor}, top[0]->mutable_gpu_data(), x);
}

template <typename Dtype>
void MVNLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                   const vector<bool>& propagate_down,
                                   const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const MVNParameter& param = this->layer_param_.mvn_param();
  const Channels at(GroupsOf(*bottom[0], param.across_channels()));
  const Dtype* factor = device_statistics_.gpu_data() + at.channels;
  Dtype* factor_y = device_statistics_.mutable_gpu_data() + 2 * at.channels;
  Dtype* offset = factor_y + at.channels;
  const Dtype* y = top[0]->gpu_data();
  const Dtype* dy = top[0]->gpu_diff();
  SumChannels<SumAndDot>(at, SumAndDotOfChannel(),
                         StoreGroupCoefficients<Dtype>{at.length(), param.normalize_variance(),
                                                       factor, factor_y, offset},
                         dy, y);
  ForChannels(at, CombineChannels<Dtype>{factor, factor_y, offset}, bottom[0]->mutable_gpu_diff(),
              dy, y);
}

INSTANTIATE_LAYER_GPU_FUNCS(MVNLayer);

}  // namespace caffe
