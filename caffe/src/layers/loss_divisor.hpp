#ifndef CAFFE_SRC_LAYERS_LOSS_DIVISOR_HPP_
#define CAFFE_SRC_LAYERS_LOSS_DIVISOR_HPP_

#include "caffe/blob.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/host_device.hpp"
#include "util/two_sums.hpp"

namespace caffe {

/// What a loss is divided by: all positions (FULL), those whose label counts (VALID), the items of
/// the batch (BATCH_SIZE) or 1 (NONE). At least 1: an empty batch, or one in which everything is
/// ignored, has loss 0, not 0 / 0.
struct LossDivisor {
  LossParameter_NormalizationMode mode;
  int items, positions;

  CAFFE_HOST_DEVICE int operator()(int valid_positions) const {
    int divisor = 1;
    if (mode == LossParameter_NormalizationMode_FULL) divisor = positions;
    if (mode == LossParameter_NormalizationMode_VALID) divisor = valid_positions;
    if (mode == LossParameter_NormalizationMode_BATCH_SIZE) divisor = items;
    return Larger(divisor, 1);
  }
};

/// The divisor of losses that know no loss_param: the items of the batch.
template <typename Dtype>
int ItemDivisor(const Blob<Dtype>& predictions) {
  const int items = predictions.shape(0);
  return LossDivisor{LossParameter_NormalizationMode_BATCH_SIZE, items, items}(items);
}

/// The sum of losses, and how many positions count.
struct LossSum : TwoSums {
  CAFFE_HOST_DEVICE double loss() const { return first; }
  CAFFE_HOST_DEVICE int valid() const { return static_cast<int>(second); }
};

/// Makes the loss of its sum, where the sum has been computed.
template <typename Dtype>
struct StoreLoss {
  LossDivisor divisor;
  Dtype* loss;
  Dtype* normalizer;
  CAFFE_HOST_DEVICE void operator()(int, const LossSum& sum) const {
    *normalizer = static_cast<Dtype>(divisor(sum.valid()));
    *loss = static_cast<Dtype>(sum.loss()) / *normalizer;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_LOSS_DIVISOR_HPP_
