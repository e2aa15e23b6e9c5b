#ifndef CAFFE_INNER_PRODUCT_LAYER_HPP_
#define CAFFE_INNER_PRODUCT_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Fully connected layer: y = x W' + b over the axes from `axis` on.
///
/// Bottom: M (the axes before `axis`) x K (all others); top: those axes before, then num_output.
/// Learnable blobs: weights num_output x K (K x num_output with `transpose`), bias num_output.
template <typename Dtype>
class InnerProductLayer : public Layer<Dtype> {
 public:
  explicit InnerProductLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "InnerProduct"; }
  int ExactNumBottomBlobs() const override { return 1; }
  bool WorksInPlace() const override { return false; }
  int ExactNumTopBlobs() const override { return 1; }
  bool BackwardReadsBottom(int bottom_index) const override {
    return this->param_propagate_down(0);
  }
  bool BackwardReadsTop(int top_index) const override { return false; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int M_ = 0;
  int K_ = 0;
  int N_ = 0;
  bool bias_term_ = false;
  bool transpose_ = false;
  /// M_ ones, for derived layers that sum by matrix products.
  Blob<Dtype> bias_multiplier_;

 private:
  DECLARE_PASSES_ON_DEVICE(Dtype);
  /// Makes every row of y the bias.
  void FillWithBias(OnCpu, Dtype* y) const;
  void FillWithBias(OnGpu, Dtype* y) const;
  void AddBiasDiff(OnCpu, const Dtype* dy);
  void AddBiasDiff(OnGpu, const Dtype* dy);
};

}  // namespace caffe

#endif  // CAFFE_INNER_PRODUCT_LAYER_HPP_
