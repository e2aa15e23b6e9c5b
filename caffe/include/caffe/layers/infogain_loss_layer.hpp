#ifndef CAFFE_INFOGAIN_LOSS_LAYER_HPP_
#define CAFFE_INFOGAIN_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/class_loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

// Not needed here: code written for Caffe 1.0 finds SoftmaxLayer through this header.
#include "caffe/layers/softmax_layer.hpp"

namespace caffe {

/// The information gain loss of the softmax of scores: the mean of -sum_k H[label, k] log p[k]. The
/// classes are along infogain_loss_param.axis (1); see ClassLossLayer.
///
/// H (classes x classes) is the third bottom or comes from the BlobProto file
/// infogain_loss_param.source.
template <typename Dtype>
class InfogainLossLayer : public ClassLossLayer<Dtype> {
 public:
  explicit InfogainLossLayer(const LayerParameter& param) : ClassLossLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "InfogainLoss"; }
  int ExactNumBottomBlobs() const override { return -1; }
  int MinBottomBlobs() const override { return 2; }
  int MaxBottomBlobs() const override { return 3; }
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index == 0; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void BlockDiff(std::ptrdiff_t position, int length, Dtype scale, const Dtype* prob,
                 Dtype* diff) const override;
  void ReadTargets(const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int ClassAxis() const override { return this->layer_param_.infogain_loss_param().axis(); }

  /// Makes sum_rows_H_ the sums of the rows of H.
  virtual void sum_rows_of_H(const Blob<Dtype>* H);

  /// H, where it comes from a file.
  Blob<Dtype> infogain_;
  Blob<Dtype> sum_rows_H_;
  int infogain_axis_ = 0;
  int num_labels_ = 0;

 private:
  const Blob<Dtype>& Matrix(const vector<Blob<Dtype>*>& bottom) const {
    return bottom.size() == 3 ? *bottom[2] : infogain_;
  }

  /// H, for BlockDiff.
  const Dtype* gain_ = nullptr;
};

}  // namespace caffe

#endif  // CAFFE_INFOGAIN_LOSS_LAYER_HPP_
