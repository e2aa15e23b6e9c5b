#include "caffe/layers/mvn_layer.hpp"
#include "gpu/channels.cuh"

namespace caffe {

namespace {

template <typename Dtype>
struct StoreGroupMean {
  int length;
  Dtype* mean;
  Dtype* factor;
  CAFFE_HOST_DEVICE void operator()(int g, double sum) const {
    mean[g] = static_cast<Dtype>(sum / length);
    factor[g] = 1;
  }
};

template <typename Dtype>
struct StoreGroupFactor {
  int length;
  double eps;
  Dtype* factor;
  CAFFE_HOST_DEVICE void operator()(int g, double squares) const {
    factor[g] = static_cast<Dtype>(1 / (std::sqrt(squares / length) + eps));
  }
};

// What dy, y and 1 are multiplied by in dx; see Backward_cpu.
template <typename Dtype>
struct StoreGroupCoefficients {
  int length;
  bool variance;
  const Dtype* factor;
  Dtype* factor_y;
  Dtype* offset;
  CAFFE_HOST_DEVICE void operator()(int g, const SumAndDot& of_dy) const {
    factor_y[g] = variance ? static_cast<Dtype>(-factor[g] * of_dy.dot() / length) : Dtype(0);
    offset[g] = static_cast<Dtype>(-factor[g] * of_dy.sum() / length);
  }
};

template <typename Dtype>
Channels Groups(const Blob<Dtype>& blob, bool across_channels) {
  const int groups = blob.num() * (across_channels ? 1 : blob.channels());
  return Channels({1, groups, groups ? blob.count() / groups : 0, 1, 1});
}

}  // namespace

template <typename Dtype>
void MVNLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  const MVNParameter& param = this->layer_param_.mvn_param();
  const Channels at = Groups(*bottom[0], param.across_channels());
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
  const Channels at = Groups(*bottom[0], param.across_channels());
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
