#ifndef CAFFE_DCME_LOSS_LAYER_HPP_
#define CAFFE_DCME_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "dcme_parameters.hpp"
#include "independent_outputs.hpp"

namespace caffe {

/// Regression loss with independent outputs and clipped errors (ISISA 2019, section IV).
///
/// Bottoms: prediction (n x c x r x s), target (the same), and optionally a weight for each pixel
/// (n x 1 x r x s) or each output (n x c x r x s); weight 0 ignores what stands there.
/// Top: the loss, 1 / (2N) * sum of weight * error^2 with the full errors; N = n c r s.
///
/// The gradient of an output is weight * f(error) * loss_weight, where f clips by the logistic
/// function (clip_error). It is not divided by N, "each output is updated with its own error"; the
/// parameter `normalization` can divide it by n or by N. The gradient of the target is its
/// negative.
template <typename Dtype>
class DCMELossLayer : public LossLayer<Dtype> {
 public:
  explicit DCMELossLayer(const LayerParameter& param) : LossLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "DCMELoss"; }
  int ExactNumBottomBlobs() const override { return -1; }
  int MinBottomBlobs() const override { return 2; }
  int MaxBottomBlobs() const override { return 3; }
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index < 2; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  dcme::IndependentOutputs<Dtype> HostOutputs(const vector<Blob<Dtype>*>& bottom) const;
  dcme::IndependentOutputs<Dtype> DeviceOutputs(const vector<Blob<Dtype>*>& bottom) const;
  /// The view of either without its arrays.
  dcme::IndependentOutputs<Dtype> OutputShape(const vector<Blob<Dtype>*>& bottom) const;
  /// What multiplies the gradient of every output.
  Dtype GradientScale(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const;
  void RefuseWeightGradient(const vector<bool>& propagate_down) const;

  /// Outputs whose squared errors one thread (CPU) or block of threads (GPU) adds up.
  static constexpr int kPiece = 8192;

  dcme::LossParameter param_;
  /// The sums of these pieces; added in order, so that the number of threads does not matter.
  Blob<double> partial_sums_;
};

}  // namespace caffe

#endif  // CAFFE_DCME_LOSS_LAYER_HPP_
