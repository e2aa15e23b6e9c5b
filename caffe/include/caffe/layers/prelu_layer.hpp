#ifndef CAFFE_PRELU_LAYER_HPP_
#define CAFFE_PRELU_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/neuron_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// y = x where x > 0, else a * x with a learnt slope for each channel (axis 1), or, with
/// channel_shared, for all (He et al. 2015). Slopes start at .25.
template <typename Dtype>
class PReLULayer : public NeuronLayer<Dtype> {
 public:
  explicit PReLULayer(const LayerParameter& param) : NeuronLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "PReLU"; }
  bool BackwardReadsTop(int top_index) const override { return false; }
  BlobValues LeavesInPlace() const override { return BlobValues::kNone; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  bool channel_shared_;
  /// The input, where the top overwrites it.
  Blob<Dtype> bottom_memory_;

 private:
  void AddSlopeDiffs(const Blob<Dtype>& bottom, const Dtype* x, const Dtype* dy);
};

}  // namespace caffe

#endif  // CAFFE_PRELU_LAYER_HPP_
