#include "cudnn/lrn.hpp"

#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

namespace {

bool CanNormalize(const ChannelNormalization& lrn) {
  return HasValues({lrn.num, lrn.channels, lrn.height, lrn.width}) && lrn.size >= CUDNN_LRN_MIN_N &&
         lrn.size <= CUDNN_LRN_MAX_N && lrn.k >= CUDNN_LRN_MIN_K && lrn.beta >= CUDNN_LRN_MIN_BETA;
}

template <typename Dtype>
struct Descriptors {
  explicit Descriptors(const ChannelNormalization& lrn)
      : values(lrn.num, lrn.channels, lrn.height, lrn.width) {
    CUDNN_CHECK(cudnnSetLRNDescriptor(operation, lrn.size, lrn.alpha, lrn.beta, lrn.k));
  }

  PlainTensor<Dtype> values;
  LrnOp operation;
};

}  // namespace

template <typename Dtype>
bool NormalizeChannels(const ChannelNormalization& lrn, const Dtype* x, Dtype* y) {
  if (!CanNormalize(lrn)) return false;
  const Descriptors<Dtype> of(lrn);
  return Done(cudnnLRNCrossChannelForward(Handle(), of.operation, CUDNN_LRN_CROSS_CHANNEL_DIM1,
                                          &kOne<Dtype>, of.values, x, &kZero<Dtype>, of.values, y));
}

template <typename Dtype>
bool NormalizeChannelsBackward(const ChannelNormalization& lrn, const Dtype* x, const Dtype* y,
                               const Dtype* dy, Dtype* dx) {
  if (!CanNormalize(lrn)) return false;
  const Descriptors<Dtype> of(lrn);
  return Done(cudnnLRNCrossChannelBackward(Handle(), of.operation, CUDNN_LRN_CROSS_CHANNEL_DIM1,
                                           &kOne<Dtype>, of.values, y, of.values, dy, of.values, x,
                                           &kZero<Dtype>, of.values, dx));
}

#define INSTANTIATE_LRN(Dtype)                                                                     \
  template bool NormalizeChannels(const ChannelNormalization&, const Dtype*, Dtype*);              \
  template bool NormalizeChannelsBackward(const ChannelNormalization&, const Dtype*, const Dtype*, \
                                          const Dtype*, Dtype*)
INSTANTIATE_LRN(float);
INSTANTIATE_LRN(double);

}  // namespace cudnn
}  // namespace caffe
