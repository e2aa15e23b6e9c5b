#ifndef CAFFE_ELTWISE_LAYER_HPP_
#define CAFFE_ELTWISE_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Sum (with coefficients), product or maximum of blobs of one shape, element by element.
template <typename Dtype>
class EltwiseLayer : public Layer<Dtype> {
 public:
  explicit EltwiseLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Eltwise"; }
  int MinBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return 1; }
  bool WorksInPlace() const override {
    return this->layer_param_.eltwise_param().operation() != EltwiseParameter_EltwiseOp_PROD;
  }
  bool BackwardReadsBottom(int bottom_index) const override {
    return op_ == EltwiseParameter_EltwiseOp_PROD;
  }
  bool BackwardReadsTop(int top_index) const override {
    return op_ == EltwiseParameter_EltwiseOp_PROD || relu_slope_ != Dtype(1);
  }
  BlobValues NeedsOfTop(int top_index) const override {
    const bool needs = op_ == EltwiseParameter_EltwiseOp_PROD && !stable_prod_grad_;
    return needs ? BlobValues::kAll : BlobValues::kNone;
  }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }
  /// A sum computes the ReLU behind it as well.
  bool Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  EltwiseParameter_EltwiseOp op_;
  /// One for each bottom; all 1 but for sums.
  vector<Dtype> coeffs_;
  /// MAX: the bottom that each element came from.
  Blob<int> max_idx_;
  /// On the GPU: in which order; else in plain order.
  bool max_channels_last_ = false;
  bool stable_prod_grad_;
  /// What sums that are not positive are multiplied by.
  Dtype relu_slope_ = 1;

 private:
  void BackwardSum(const Blob<Dtype>& top, const vector<bool>& propagate_down,
                   const vector<Blob<Dtype>*>& bottom);
#ifndef CPU_ONLY
  void ProductBackwardOnGpu(const Blob<Dtype>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom);
  void MaxBackwardOnGpu(const Blob<Dtype>& top, const vector<bool>& propagate_down,
                        const vector<Blob<Dtype>*>& bottom);
  void SumBackwardOnGpu(const Blob<Dtype>& top, const vector<bool>& propagate_down,
                        const vector<Blob<Dtype>*>& bottom);
#endif
};

}  // namespace caffe

#endif  // CAFFE_ELTWISE_LAYER_HPP_
