#ifndef CAFFE_SCALE_LAYER_HPP_
#define CAFFE_SCALE_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/layers/bias_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// y = a x (+ b), where a and b have some of x's axes: those from `axis` on.
///
/// Bottoms: x; a, unless it is learned (its shape is then num_axes axes of x; -1: all the rest).
/// Top: like x, may be the same blob. Learnable blobs: a, unless it is a bottom (1 unless `filler`
/// says otherwise); b, with bias_term.
template <typename Dtype>
class ScaleLayer : public Layer<Dtype> {
 public:
  explicit ScaleLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "Scale"; }
  int MinBottomBlobs() const override { return 1; }
  int MaxBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return 1; }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }
  /// With learned factors of the channels.
  bool IsAffine() const override;
  void ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  /// Place of b among blobs(), or -1.
  int bias_param_id_ = -1;
  /// x, where the top overwrites it (kept for Backward).
  Blob<Dtype> temp_;

 private:
  Blob<Dtype>& Factor(const vector<Blob<Dtype>*>& bottom) const {
    return bottom.size() > 1 ? *bottom[1] : *this->blobs_[0];
  }
};

}  // namespace caffe

#endif  // CAFFE_SCALE_LAYER_HPP_
