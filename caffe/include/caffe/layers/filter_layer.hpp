#ifndef CAFFE_FILTER_LAYER_HPP_
#define CAFFE_FILTER_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Passes on those items of the bottoms for which the last bottom, the selector, is not 0.
template <typename Dtype>
class FilterLayer : public Layer<Dtype> {
 public:
  explicit FilterLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Filter"; }
  int MinBottomBlobs() const override { return 2; }
  bool WorksInPlace() const override { return false; }
  int MinTopBlobs() const override { return 1; }
  bool AllowForceBackward(const int bottom_index) const override {
    return bottom_index != this->layer_param_.bottom_size() - 1;
  }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  bool first_reshape_ = true;
  /// The items that pass.
  vector<int> indices_to_forward_;
  /// The same on the GPU.
  Blob<int> device_indices_;
};

}  // namespace caffe

#endif  // CAFFE_FILTER_LAYER_HPP_
