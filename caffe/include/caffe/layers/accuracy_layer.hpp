#ifndef CAFFE_ACCURACY_LAYER_HPP_
#define CAFFE_ACCURACY_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/class_labels.hpp"
#include "caffe/util/layer_gpu.hpp"

// Not needed here: code written for Caffe 1.0 finds LossLayer through this header.
#include "caffe/layers/loss_layer.hpp"

namespace caffe {

/// The share of labels whose class is among the top_k (1) highest scores. A class that ties with
/// the label's counts as higher.
///
/// Bottoms: scores (classes along `axis`, 1) and labels. Tops: the accuracy and, if named, that of
/// each class (0 where a class does not occur). Labels equal to ignore_label do not count.
template <typename Dtype>
class AccuracyLayer : public Layer<Dtype> {
 public:
  explicit AccuracyLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Accuracy"; }
  int ExactNumBottomBlobs() const override { return 2; }
  int MinTopBlobs() const override { return 1; }
  int MaxTopBlobs() const override { return 2; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FORWARD(Dtype);

  int label_axis_ = 0;
  int outer_num_ = 0;
  int inner_num_ = 0;
  int top_k_ = 1;
  bool has_ignore_label_ = false;
  int ignore_label_ = 0;
  ClassLabels labels_;
};

}  // namespace caffe

#endif  // CAFFE_ACCURACY_LAYER_HPP_
