#ifndef CAFFE_SIGMOID_CROSS_ENTROPY_LOSS_LAYER_HPP_
#define CAFFE_SIGMOID_CROSS_ENTROPY_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

// Not needed here: code written for Caffe 1.0 finds SigmoidLayer through this header.
#include "caffe/layers/sigmoid_layer.hpp"

namespace caffe {

/// The cross entropy of targets t in [0, 1] and the sigmoid p of scores: the sum of
/// -t log p - (1 - t) log(1 - p), divided by the batch size unless loss_param.normalization says
/// otherwise. Targets equal to loss_param.ignore_label do not count.
template <typename Dtype>
class SigmoidCrossEntropyLossLayer : public LossLayer<Dtype> {
 public:
  explicit SigmoidCrossEntropyLossLayer(const LayerParameter& param) : LossLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "SigmoidCrossEntropyLoss"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  /// The divisor of the last Forward.
  Dtype normalizer_ = 1;

 private:
  /// The same on the GPU.
  Blob<Dtype> device_normalizer_;
  /// loss_param.ignore_label, or a value that no target equals.
  Dtype Ignored() const;
};

}  // namespace caffe

#endif  // CAFFE_SIGMOID_CROSS_ENTROPY_LOSS_LAYER_HPP_
