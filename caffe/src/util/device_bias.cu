#include "util/device_bias.hpp"
#include "util/device_channels.cuh"

namespace caffe {

template <typename Dtype>
void AddBiasOnGpu(int num, int channels, int inner, const Dtype* bias, Dtype slope, Dtype* values) {
  const Channels at({num, channels, inner, 1, 1});
  ForChannels(at, ScaleChannels<Dtype>{nullptr, bias, slope}, values, values);
}

template <typename Dtype>
void AddBiasDiffOnGpu(int num, int channels, int inner, const Dtype* values, Dtype* diff) {
  const Channels at({num, channels, inner, 1, 1});
  SumChannels(at, ValueOfChannel(), StoreSum<Dtype>{diff, true}, values);
}

#define INSTANTIATE_BIAS(Dtype)                                           \
  template void AddBiasOnGpu(int, int, int, const Dtype*, Dtype, Dtype*); \
  template void AddBiasDiffOnGpu(int, int, int, const Dtype*, Dtype*)
INSTANTIATE_BIAS(float);
INSTANTIATE_BIAS(double);

}  // namespace caffe
