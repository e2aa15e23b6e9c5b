#ifndef CAFFE_LSTM_LAYER_HPP_
#define CAFFE_LSTM_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/layers/recurrent_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// A recurrent layer of LSTM units: the gates are W_xc x_t + b_c + W_hc h_{t-1}
/// [+ W_xc_static x_static], see LSTMUnitLayer for the rest; the output is h. Parameters: W_xc,
/// b_c, [W_xc_static,] W_hc, with the rows of the gates i, f, o, g one after the other. See
/// RecurrentLayer.
template <typename Dtype>
class LSTMLayer : public RecurrentLayer<Dtype> {
 public:
  explicit LSTMLayer(const LayerParameter& param) : RecurrentLayer<Dtype>(param) {}
  const char* type() const override { return "LSTM"; }

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
  /// c of all steps, computed without the net.
  Blob<Dtype> cells_;
};

/// The state update of one LSTM step (Hochreiter and Schmidhuber 1997, with forget gates).
///
/// Bottoms: the last cell state c, 1 x N x D; the gates' inputs i, f, o, g side by side, 1 x N x
/// 4D; the continuation flags, 1 x N. Tops: the new c = [cont] sigmoid(f) c + sigmoid(i) tanh(g)
/// and h = sigmoid(o) tanh(c).
template <typename Dtype>
class LSTMUnitLayer : public Layer<Dtype> {
 public:
  explicit LSTMUnitLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "LSTMUnit"; }
  int ExactNumBottomBlobs() const override { return 3; }
  int ExactNumTopBlobs() const override { return 2; }
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index != 2; }
  BlobValues NeedsOfTop(int top_index) const override {
    return top_index == 0 ? BlobValues::kAll : BlobValues::kNone;
  }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int hidden_dim_ = 0;
  /// The gates after their sigmoid or tanh.
  Blob<Dtype> X_acts_;
};

}  // namespace caffe

#endif  // CAFFE_LSTM_LAYER_HPP_
