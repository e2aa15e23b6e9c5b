#ifndef CAFFE_SOFTMAX_LAYER_HPP_
#define CAFFE_SOFTMAX_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// y = exp(x) / sum of exp(x) along `axis` (1). May work in place.
template <typename Dtype>
class SoftmaxLayer : public Layer<Dtype> {
 public:
  explicit SoftmaxLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Softmax"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }
  BlobValues NeedsOfTop(int top_index) const override { return BlobValues::kAll; }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int outer_num_ = 0;
  int inner_num_ = 0;
  int softmax_axis_ = 0;

 private:
  bool wants_cudnn() const {
    return this->layer_param_.softmax_param().engine() != SoftmaxParameter_Engine_CAFFE;
  }
};

}  // namespace caffe

#endif  // CAFFE_SOFTMAX_LAYER_HPP_
