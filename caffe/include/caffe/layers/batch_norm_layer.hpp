#ifndef CAFFE_BATCHNORM_LAYER_HPP_
#define CAFFE_BATCHNORM_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

namespace cudnn {
struct NormalizedValues;
}
template <typename Dtype>
struct RunningSums;

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

  /// Asked by the layer in front, in place on whose only top this works: whether it may leave out
  /// its bias, of one number a channel, from now on. A batch's mean takes that away again, so that
  /// it counts in the running means alone, and its gradient is 0. Running means are taken less of
  /// it, where no Backward will be called, in which it would have a gradient. On the GPU this saves
  /// passes over memory; the net then runs in that mode only.
  bool TakeBias(const shared_ptr<Blob<Dtype>>& bias, bool backward);
  /// Takes over a Scale layer of one factor (and bias) a channel, and after it a ReLU.
  bool Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) override;
  /// With running statistics, and without a Scale of its own.
  bool IsAffine() const override;
  void ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) override;
  bool BackwardReadsBottom(int bottom_index) const override { return !in_place_; }
  bool BackwardReadsTop(int top_index) const override { return false; }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }
  /// With a Scale layer, from the input that is kept.
  bool RecomputesTop() const override { return scale_ && keeps_input_ && in_place_; }
  void RecomputeTop(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  /// Of the last Forward: what was subtracted, and what was multiplied by.
  vector<Dtype> mean_, inverse_deviation_;
  /// The same on the GPU, in rows (DeviceRow), and ones and zeros (Units).
  Blob<Dtype> device_statistics_, units_;
  /// The normalised values, where the bottom is overwritten (kept for Backward).
  Blob<Dtype> x_norm_;
  bool use_global_stats_ = false;
  Dtype moving_average_fraction_ = 0;
  int channels_ = 0;
  Dtype eps_ = 0;
  /// Whether the bottom is overwritten: what Backward needs of it is kept.
  bool in_place_ = false;

 private:
  void TakeGlobalStatistics();
  void TakeBatchStatistics(const Blob<Dtype>& bottom);
  BatchNormParameter::Engine Engine() const {
    return this->layer_param_.batch_norm_param().engine();
  }

  // With a fused Scale layer: y = relu(a x + b), with a and b of both layers.
  void ForwardWhole(Blob<Dtype>* bottom, Blob<Dtype>* top);
  void ScaleWhole(const Blob<Dtype>& x, Blob<Dtype>* y) const;
  void BackwardWhole(Blob<Dtype>* top, bool propagate_down, Blob<Dtype>* bottom);
  /// Makes x_ the bottom's values, which may be overwritten then.
  void TakeBottom(Blob<Dtype>* bottom);
  /// The same where they are in an order of their own; false if somebody else holds the memory.
  bool TakeStore(Blob<Dtype>* bottom);
  /// With a Scale layer: y = a x + b, with a and b of both layers, for each channel.
  struct WholeFactors {
    vector<Dtype> a, b;
  };
  WholeFactors FactorsOfBoth() const;

#ifndef CPU_ONLY
  /// A number for each channel: statistics; a and b of both layers, in whose place cuDNN writes its
  /// running statistics; and what Backward multiplies by.
  enum DeviceRow { kMean, kInverseDeviation, kA, kB, kU, kV, kDeviceRows };
  static constexpr DeviceRow kRunningMean = kA, kVariance = kB;
  Dtype* Row(DeviceRow row);
  RunningSums<Dtype> RunningSumsOnGpu();
  /// A zero or a one for each channel.
  const Dtype* Units(int value);
  void TakeStatisticsOnGpu(const Blob<Dtype>& bottom);
  /// These two give false where our kernels have to do it.
  bool NormalizeByCudnn(const Blob<Dtype>& bottom, Blob<Dtype>* top);
  bool BackwardByCudnn(const Dtype* x, const Dtype* dy, const cudnn::NormalizedValues& values,
                       Dtype* dx);
  void ForwardWholeOnGpu(Blob<Dtype>* bottom, Blob<Dtype>* top);
  void ScaleWholeOnGpu(const Blob<Dtype>& x, Blob<Dtype>* y);
  void BackwardWholeOnGpu(Blob<Dtype>* top, bool propagate_down, Blob<Dtype>* bottom);
  void TakeBottomOnGpu(Blob<Dtype>* bottom);
#endif

  /// What the layer in front leaves out, or null.
  shared_ptr<Blob<Dtype>> bias_;
  /// The fused Scale layer, or null, and the slope of the fused ReLU (1: there is none).
  shared_ptr<Layer<Dtype>> scale_;
  Dtype slope_ = 1;
  bool has_relu_ = false;
  /// Whether Backward will be called, and the input that it needs.
  bool keeps_input_ = false;
  Blob<Dtype> x_;
};

}  // namespace caffe

#endif  // CAFFE_BATCHNORM_LAYER_HPP_
