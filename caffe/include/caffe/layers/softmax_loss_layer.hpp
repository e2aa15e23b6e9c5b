#ifndef CAFFE_SOFTMAX_LOSS_LAYER_HPP_
#define CAFFE_SOFTMAX_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/class_loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

// Not needed here: code written for Caffe 1.0 finds SoftmaxLayer through this header.
#include "caffe/layers/softmax_layer.hpp"

namespace caffe {

/// The multinomial logistic loss of the softmax of scores: the mean of -log p[label]. The classes
/// are along softmax_param.axis (1); see ClassLossLayer.
///
/// Classes may be weighted (beyond Caffe 1.0): a position's loss and gradient are multiplied by its
/// class's weight; the normalization does not change. loss_param.class_weighting gives one number
/// for each class. Where it is empty, weight_by_label_freqs weighs a class by the median of the
/// frequencies of the batch's classes over its own (Badrinarayanan et al. 2017).
template <typename Dtype>
class SoftmaxWithLossLayer : public ClassLossLayer<Dtype> {
 public:
  explicit SoftmaxWithLossLayer(const LayerParameter& param) : ClassLossLayer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "SoftmaxWithLoss"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void BlockDiff(std::ptrdiff_t position, int length, Dtype scale, const Dtype* prob,
                 Dtype* diff) const override;
  void ReadTargets(const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int ClassAxis() const override { return this->layer_param_.softmax_param().axis(); }

 private:
  /// Weights of the classes for the present labels; none where classes are not weighted.
  vector<Dtype> ClassWeights() const;
  /// Those of the labels that were read, or null.
  const Dtype* Weights() const { return class_weights_.empty() ? nullptr : class_weights_.data(); }
#ifndef CPU_ONLY
  /// Null where classes are not weighted.
  const Dtype* WeightsOnGpu(const Blob<Dtype>& labels);
#endif
  /// Whether classes are weighted at all.
  bool Weighted() const {
    const LossParameter& param = this->layer_param_.loss_param();
    return param.class_weighting_size() > 0 || param.weight_by_label_freqs();
  }

  vector<Dtype> class_weights_;
  /// The same on the GPU.
  Blob<Dtype> device_weights_;
  /// Labels of each class, and the two in the middle of those that are not 0.
  Blob<double> device_counts_;
};

}  // namespace caffe

#endif  // CAFFE_SOFTMAX_LOSS_LAYER_HPP_
