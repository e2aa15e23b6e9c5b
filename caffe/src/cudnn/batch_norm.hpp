#ifndef CAFFE_SRC_CUDNN_BATCH_NORM_HPP_
#define CAFFE_SRC_CUDNN_BATCH_NORM_HPP_

namespace caffe {
namespace cudnn {

/// Values on the GPU that are normalised by channel: num x channels x inner.
struct NormalizedValues {
  int num, channels, inner;
  double eps;
};

/// What NormalizeBatch writes for each channel; all on the GPU.
template <typename Dtype>
struct BatchStatistics {
  Dtype* mean;
  Dtype* inverse_deviation;
  /// The same mean, and the unbiased variance.
  Dtype* running_mean;
  Dtype* running_variance;
};

/// y = scale (x - mean) / sqrt(variance + eps) + shift by cuDNN, with the statistics of x. y must
/// not be x. False where it cannot, or the build has no cuDNN: nothing was done.
template <typename Dtype>
bool NormalizeBatch(const NormalizedValues& values, const Dtype* x, const Dtype* scale,
                    const Dtype* shift, const BatchStatistics<Dtype>& statistics, Dtype* y);

/// dx of that; it must not be dy. The diffs of scale and shift are overwritten.
template <typename Dtype>
bool NormalizeBatchBackward(const NormalizedValues& values, const Dtype* x, const Dtype* dy,
                            const Dtype* scale, const Dtype* mean, const Dtype* inverse_deviation,
                            Dtype* scale_diff, Dtype* shift_diff, Dtype* dx);

/// As NormalizeBatch, with given statistics.
template <typename Dtype>
bool NormalizeByStatistics(const NormalizedValues& values, const Dtype* x, const Dtype* scale,
                           const Dtype* shift, const Dtype* mean, const Dtype* variance, Dtype* y);

#ifndef USE_CUDNN
template <typename Dtype>
bool NormalizeBatch(const NormalizedValues&, const Dtype*, const Dtype*, const Dtype*,
                    const BatchStatistics<Dtype>&, Dtype*) {
  return false;
}
template <typename Dtype>
bool NormalizeBatchBackward(const NormalizedValues&, const Dtype*, const Dtype*, const Dtype*,
                            const Dtype*, const Dtype*, Dtype*, Dtype*, Dtype*) {
  return false;
}
template <typename Dtype>
bool NormalizeByStatistics(const NormalizedValues&, const Dtype*, const Dtype*, const Dtype*,
                           const Dtype*, const Dtype*, Dtype*) {
  return false;
}
#endif

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_BATCH_NORM_HPP_
