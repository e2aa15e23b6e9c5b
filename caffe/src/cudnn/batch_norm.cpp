#include "cudnn/batch_norm.hpp"

#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

namespace {

const cudnnBatchNormMode_t kByChannel = CUDNN_BATCHNORM_SPATIAL;

template <typename Dtype>
struct Descriptors {
  explicit Descriptors(const NormalizedValues& v)
      : values(v.num, v.channels, v.inner, 1), channels(1, v.channels, 1, 1) {}

  PlainTensor<Dtype> values, channels;
};

bool CanNormalize(const NormalizedValues& v) {
  return v.eps >= CUDNN_BN_MIN_EPSILON && HasValues({v.num, v.channels, v.inner});
}

}  // namespace

template <typename Dtype>
bool NormalizeBatch(const NormalizedValues& values, const Dtype* x, const Dtype* scale,
                    const Dtype* shift, const BatchStatistics<Dtype>& statistics, Dtype* y) {
  // The unbiased variance of one value is 0 / 0.
  if (!CanNormalize(values) || values.num * values.inner == 1) return false;
  const Descriptors<Dtype> of(values);
  // The running statistics are all of this batch and nothing of what was there before.
  const double factor = 1;
  return Done(cudnnBatchNormalizationForwardTraining(
      Handle(), kByChannel, &kOne<Dtype>, &kZero<Dtype>, of.values, x, of.values, y, of.channels,
      scale, shift, factor, statistics.running_mean, statistics.running_variance, values.eps,
      statistics.mean, statistics.inverse_deviation));
}

template <typename Dtype>
bool NormalizeBatchBackward(const NormalizedValues& values, const Dtype* x, const Dtype* dy,
                            const Dtype* scale, const Dtype* mean, const Dtype* inverse_deviation,
                            Dtype* scale_diff, Dtype* shift_diff, Dtype* dx) {
  if (!CanNormalize(values)) return false;
  const Descriptors<Dtype> of(values);
  return Done(cudnnBatchNormalizationBackward(Handle(), kByChannel, &kOne<Dtype>, &kZero<Dtype>,
                                              &kOne<Dtype>, &kZero<Dtype>, of.values, x, of.values,
                                              dy, of.values, dx, of.channels, scale, scale_diff,
                                              shift_diff, values.eps, mean, inverse_deviation));
}

template <typename Dtype>
bool NormalizeByStatistics(const NormalizedValues& values, const Dtype* x, const Dtype* scale,
                           const Dtype* shift, const Dtype* mean, const Dtype* variance, Dtype* y) {
  if (!CanNormalize(values)) return false;
  const Descriptors<Dtype> of(values);
  return Done(cudnnBatchNormalizationForwardInference(
      Handle(), kByChannel, &kOne<Dtype>, &kZero<Dtype>, of.values, x, of.values, y, of.channels,
      scale, shift, mean, variance, values.eps));
}

#define INSTANTIATE_BATCH_NORM(Dtype)                                                             \
  template bool NormalizeBatch(const NormalizedValues&, const Dtype*, const Dtype*, const Dtype*, \
                               const BatchStatistics<Dtype>&, Dtype*);                            \
  template bool NormalizeBatchBackward(const NormalizedValues&, const Dtype*, const Dtype*,       \
                                       const Dtype*, const Dtype*, const Dtype*, Dtype*, Dtype*,  \
                                       Dtype*);                                                   \
  template bool NormalizeByStatistics(const NormalizedValues&, const Dtype*, const Dtype*,        \
                                      const Dtype*, const Dtype*, const Dtype*, Dtype*)
INSTANTIATE_BATCH_NORM(float);
INSTANTIATE_BATCH_NORM(double);

}  // namespace cudnn
}  // namespace caffe
