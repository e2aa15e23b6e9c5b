#ifndef CAFFE_BATCHNORM_LAYER_HPP_
#define CAFFE_BATCHNORM_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Batch normalisation (Ioffe and Szegedy 2015) without scale and shift, which a Scale layer adds:
/// y = (x - mean) / sqrt(variance + eps), for each channel.
///
/// In TRAIN the statistics are those of the batch, and running sums of them are kept; in TEST (or
/// with use_global_stats) they are the running sums over their weight. Bottom and top: N x C x ...;
/// they may be one blob. Blobs, not learned: sum of means (C), of variances (C), weight (1).
template <typename Dtype>
class BatchNormLayer : public Layer<Dtype> {
 public:
  explicit BatchNormLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "BatchNorm"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  /// Of the last Forward: what was subtracted, and what was multiplied by.
  vector<Dtype> mean_, inverse_deviation_;
  /// The same on the GPU, in rows, and in two more the coefficients of Backward.
  Blob<Dtype> device_statistics_;
  /// The normalised values, where the bottom is overwritten (kept for Backward).
  Blob<Dtype> x_norm_;
  bool use_global_stats_ = false;
  Dtype moving_average_fraction_ = 0;
  int channels_ = 0;
  Dtype eps_ = 0;

 private:
  void TakeGlobalStatistics();
  void TakeBatchStatistics(const Blob<Dtype>& bottom);
};

}  // namespace caffe

#endif  // CAFFE_BATCHNORM_LAYER_HPP_
