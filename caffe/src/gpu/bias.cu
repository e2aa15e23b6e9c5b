#include "gpu/bias.hpp"
#include "gpu/channels.cuh"
#include "gpu/layout.hpp"

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

template <typename Dtype>
void RectifyDiffOnGpu(const ChannelLayout& plain, Dtype slope, Blob<Dtype>* blob, Dtype* sums) {
  const ChannelLayout stored = StoredOnGpu(*blob, Part::kDiff);
  const ChannelLayout layout = stored.plain() ? plain : stored;
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const Channels at(layout);
    const DiffBeforeRelu<Dtype> formula = {slope};
    const T* y = ReadOnGpu<T>(layout, *blob);
    const T* dy = ReadOnGpu<T>(layout, *blob, Part::kDiff);
    T* dx = WriteOnGpu<T>(layout, blob, Part::kDiff);
    if (sums) {
      ForChannelsAndSum(at, formula, dx, StoreSum<Dtype>{sums, true}, dy, y);
    } else {
      ForChannels(at, formula, dx, dy, y);
    }
  });
}

#define INSTANTIATE_BIAS(Dtype)                                           \
  template void AddBiasOnGpu(int, int, int, const Dtype*, Dtype, Dtype*); \
  template void AddBiasDiffOnGpu(int, int, int, const Dtype*, Dtype*);    \
  template void RectifyDiffOnGpu(const ChannelLayout&, Dtype, Blob<Dtype>*, Dtype*)
INSTANTIATE_BIAS(float);
INSTANTIATE_BIAS(double);

}  // namespace caffe
