#ifndef CAFFE_BIAS_LAYER_HPP_
#define CAFFE_BIAS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// y = x + b, where b has some of x's axes: those from `axis` on.
///
/// Bottoms: x; b, unless it is learned (its shape is then num_axes axes of x; -1: all the rest).
/// Top: like x, may be the same blob. Learnable blob: b.
template <typename Dtype>
class BiasLayer : public Layer<Dtype> {
 public:
  explicit BiasLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "Bias"; }
  int MinBottomBlobs() const override { return 1; }
  int MaxBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return 1; }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }
  /// With a learned number for each channel.
  bool IsAffine() const override;
  void ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) override;

  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

 private:
  Blob<Dtype>& Operand(const vector<Blob<Dtype>*>& bottom) const {
    return bottom.size() > 1 ? *bottom[1] : *this->blobs_[0];
  }
};

}  // namespace caffe

#endif  // CAFFE_BIAS_LAYER_HPP_
