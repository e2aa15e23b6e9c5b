#include "caffe/layers/lstm_layer.hpp"

#include <climits>
#include <string>
#include <vector>

#include "layers/exact_class.hpp"
#include "layers/lstm_sequence.hpp"
#include "layers/recurrent_steps.hpp"
#include "layers/unrolled_net.hpp"

namespace caffe {

template <typename Dtype>
void LSTMLayer<Dtype>::RecurrentInputBlobNames(vector<string>* names) const {
  *names = {"h_0", "c_0"};
}

template <typename Dtype>
void LSTMLayer<Dtype>::RecurrentOutputBlobNames(vector<string>* names) const {
  *names = {unrolled::At("h", this->T_), unrolled::At("c", this->T_)};
}

template <typename Dtype>
void LSTMLayer<Dtype>::RecurrentInputShapes(vector<BlobShape>* shapes) const {
  const int units = this->layer_param_.recurrent_param().num_output();
  shapes->assign(2, unrolled::StateShape(this->N_, units));
}

template <typename Dtype>
void LSTMLayer<Dtype>::OutputBlobNames(vector<string>* names) const {
  *names = {"h"};
}

template <typename Dtype>
void LSTMLayer<Dtype>::FillUnrolledNet(NetParameter* net) const {
  const RecurrentParameter& param = this->layer_param_.recurrent_param();
  const int units = param.num_output();
  const int steps = this->T_;
  CHECK_GT(units, 0) << ": recurrent_param.num_output must be positive";
  CHECK_LE(units, INT_MAX / 4)
      << ": recurrent_param.num_output is too large, as a unit has four gates";
  const int gates = 4 * units;

  unrolled::AddInput("h_0", {1, this->N_, units}, net);
  unrolled::AddInput("c_0", {1, this->N_, units}, net);
  unrolled::AddSlice("cont", "cont", steps, net);
  unrolled::AddInnerProduct(param, "xc", true, 2, gates, "x", "from_x", net);
  unrolled::AddSlice("from_x", "from_x", steps, net);
  if (this->static_input_) {
    unrolled::AddInnerProduct(param, "xc_static", false, 1, gates, "x_static", "static_rows", net);
    unrolled::AddStep("static_rows", "from_static", net);
  }
  for (int t = 1; t <= steps; ++t) {
    unrolled::AddContinuedState("h", t, "h_conted", net);
    unrolled::AddInnerProduct(param, "hc", false, 2, gates, unrolled::At("h_conted", t),
                              unrolled::At("from_h", t), net);
    vector<string> sources = {unrolled::At("from_x", t), unrolled::At("from_h", t)};
    if (this->static_input_) sources.push_back("from_static");
    unrolled::AddSum(sources, unrolled::At("gates", t), net);
    unrolled::AddLayer(
        "LSTMUnit", {unrolled::At("c", t - 1), unrolled::At("gates", t), unrolled::At("cont", t)},
        {unrolled::At("c", t), unrolled::At("h", t)}, net);
  }
  unrolled::AddConcat("h", steps, "h", net);
}

template <typename Dtype>
bool LSTMLayer<Dtype>::KnowsSteps() const {
  return IsExactly<LSTMLayer>(*this);
}

template <typename Dtype>
void LSTMLayer<Dtype>::ForwardSteps(const vector<Blob<Dtype>*>& bottom) {
  const int units = this->StateWeights()->shape(1);
  const vector<Dtype> constants = this->DriveGates(bottom, 4 * units);
  cells_.Reshape({this->T_, this->N_, units});
  const std::ptrdiff_t size = std::ptrdiff_t(this->N_) * units;
  const Dtype* cont = bottom[1]->cpu_data();
  const Dtype* c_0 = this->recur_input_blobs_[1]->cpu_data();
  Dtype* gates = this->gates_.mutable_cpu_data();
  Dtype* c = cells_.mutable_cpu_data();
  Dtype* h = this->output_blobs_[0]->mutable_cpu_data();
  this->RunSteps(constants, h, [=](int t, int n) {
    Dtype* g = gates + t * 4 * size;
    const LSTMForward<Dtype> unit = {units,       t > 0 ? c + (t - 1) * size : c_0,
                                     g,           cont + std::ptrdiff_t(t) * this->N_,
                                     g,           c + t * size,
                                     h + t * size};
    UnitsOfSequence(unit, n);
  });
  this->KeepState(0, h);
  this->KeepState(1, c);
}

template <typename Dtype>
void LSTMLayer<Dtype>::BackwardSteps(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const int units = cells_.shape(2);
  const std::ptrdiff_t size = std::ptrdiff_t(this->N_) * units;
  const Dtype* cont = bottom[1]->cpu_data();
  const Dtype* c_0 = this->recur_input_blobs_[1]->cpu_data();
  const Dtype* gates = this->gates_.cpu_data();
  const Dtype* c = cells_.cpu_data();
  Dtype* dgates = this->gates_.mutable_cpu_diff();
  vector<Dtype> cell_diffs(size);
  Dtype* dc = cell_diffs.data();
  this->RunStepsBack(top[0]->cpu_diff(), [=](int t, int n, const Dtype* dh) {
    const LSTMBackward<Dtype> unit = {units,
                                      t > 0 ? c + (t - 1) * size : c_0,
                                      cont + std::ptrdiff_t(t) * this->N_,
                                      gates + t * 4 * size,
                                      c + t * size,
                                      dc,
                                      dh,
                                      dc,
                                      dgates + t * 4 * size};
    UnitsOfSequence(unit, n);
  });
  this->PassGatesDiff(propagate_down, bottom);
}

INSTANTIATE_CLASS(LSTMLayer);
REGISTER_LAYER_CLASS(LSTM);

}  // namespace caffe
