#ifndef CAFFE_SRC_CUDNN_LRN_HPP_
#define CAFFE_SRC_CUDNN_LRN_HPP_

namespace caffe {
namespace cudnn {

/// Local response normalisation over `size` channels around each: y = x (k + alpha / size * sum of
/// x^2)^-beta.
struct ChannelNormalization {
  int num, channels, height, width;
  int size;
  double alpha, beta, k;
};

/// Normalises on the GPU by cuDNN; y must not be x, which the gradient needs. False where it cannot
/// (`size` above 16, k below 1e-5 or beta below 0.01), or the build has no cuDNN: nothing was done.
template <typename Dtype>
bool NormalizeChannels(const ChannelNormalization& lrn, const Dtype* x, Dtype* y);
/// dx from x, the result y and its diff.
template <typename Dtype>
bool NormalizeChannelsBackward(const ChannelNormalization& lrn, const Dtype* x, const Dtype* y,
                               const Dtype* dy, Dtype* dx);

#ifndef USE_CUDNN
template <typename Dtype>
bool NormalizeChannels(const ChannelNormalization&, const Dtype*, Dtype*) {
  return false;
}
template <typename Dtype>
bool NormalizeChannelsBackward(const ChannelNormalization&, const Dtype*, const Dtype*,
                               const Dtype*, Dtype*) {
  return false;
}
#endif

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_LRN_HPP_
