#ifndef CAFFE_MVN_LAYER_HPP_
#define CAFFE_MVN_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Subtracts the mean and (normalize_variance) divides by the deviation + eps, for every channel of
/// every image, or for every image (across_channels).
///
/// Bottom and top: N x C x H x W.
template <typename Dtype>
class MVNLayer : public Layer<Dtype> {
 public:
  explicit MVNLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "MVN"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }
  BlobValues NeedsOfTop(int top_index) const override {
    const bool needs = this->layer_param_.mvn_param().normalize_variance();
    return needs ? BlobValues::kAll : BlobValues::kNone;
  }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  Dtype eps_ = 0;

 private:
  /// For each group of values: what was subtracted and what was multiplied by in Forward.
  vector<Dtype> mean_, factor_;
  /// The same on the GPU, in rows, and in two more the coefficients of Backward.
  Blob<Dtype> device_statistics_;
};

}  // namespace caffe

#endif  // CAFFE_MVN_LAYER_HPP_
