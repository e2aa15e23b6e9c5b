#ifndef CAFFE_RNN_LAYER_HPP_
#define CAFFE_RNN_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/recurrent_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// A recurrent layer of tanh units: h_t = tanh(W_xh x_t + b_h + W_hh h_{t-1} [+ W_xh_static
/// x_static]), output o_t = tanh(W_ho h_t + b_o). Parameters: W_xh, b_h, [W_xh_static,] W_hh, W_ho,
/// b_o. See RecurrentLayer.
template <typename Dtype>
class RNNLayer : public RecurrentLayer<Dtype> {
 public:
  explicit RNNLayer(const LayerParameter& param) : RecurrentLayer<Dtype>(param) {}
  const char* type() const override { return "RNN"; }

 protected:
  void FillUnrolledNet(NetParameter* net_param) const override;
  void RecurrentInputBlobNames(vector<string>* names) const override;
  void RecurrentInputShapes(vector<BlobShape>* shapes) const override;
  void RecurrentOutputBlobNames(vector<string>* names) const override;
  void OutputBlobNames(vector<string>* names) const override;
  bool KnowsSteps() const override;
  void ForwardSteps(const vector<Blob<Dtype>*>& bottom) override;
  void BackwardSteps(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                     const vector<Blob<Dtype>*>& bottom) override;

 private:
  /// W_ho.
  Blob<Dtype>* OutputWeights() const { return this->blobs_[this->blobs_.size() - 2].get(); }

  /// o, computed without the net; a layer behind this one may work in the top's memory.
  Blob<Dtype> outputs_;
};

}  // namespace caffe

#endif  // CAFFE_RNN_LAYER_HPP_
