#include "caffe/layers/rnn_layer.hpp"

#include <string>
#include <vector>

#include "layers/exact_class.hpp"
#include "layers/recurrent_steps.hpp"
#include "layers/unrolled_net.hpp"
#include "util/vector_math.hpp"

namespace caffe {

template <typename Dtype>
void RNNLayer<Dtype>::RecurrentInputBlobNames(vector<string>* names) const {
  *names = {"h_0"};
}

template <typename Dtype>
void RNNLayer<Dtype>::RecurrentOutputBlobNames(vector<string>* names) const {
  *names = {unrolled::At("h", this->T_)};
}

template <typename Dtype>
void RNNLayer<Dtype>::RecurrentInputShapes(vector<BlobShape>* shapes) const {
  const int units = this->layer_param_.recurrent_param().num_output();
  *shapes = {unrolled::StateShape(this->N_, units)};
}

template <typename Dtype>
void RNNLayer<Dtype>::OutputBlobNames(vector<string>* names) const {
  *names = {"o"};
}

template <typename Dtype>
void RNNLayer<Dtype>::FillUnrolledNet(NetParameter* net) const {
  const RecurrentParameter& param = this->layer_param_.recurrent_param();
  const int units = param.num_output();
  const int steps = this->T_;
  CHECK_GT(units, 0) << ": recurrent_param.num_output must be positive";

  unrolled::AddInput("h_0", {1, this->N_, units}, net);
  unrolled::AddSlice("cont", "cont", steps, net);
  unrolled::AddInnerProduct(param, "xh", true, 2, units, "x", "from_x", net);
  unrolled::AddSlice("from_x", "from_x", steps, net);
  if (this->static_input_) {
    unrolled::AddInnerProduct(param, "xh_static", false, 1, units, "x_static", "static_rows", net);
    unrolled::AddStep("static_rows", "from_static", net);
  }
  for (int t = 1; t <= steps; ++t) {
    unrolled::AddContinuedState("h", t, "h_conted", net);
    unrolled::AddInnerProduct(param, "hh", false, 2, units, unrolled::At("h_conted", t),
                              unrolled::At("from_h", t), net);
    vector<string> sources = {unrolled::At("from_x", t), unrolled::At("from_h", t)};
    if (this->static_input_) sources.push_back("from_static");
    unrolled::AddSum(sources, unrolled::At("h_input", t), net);
    unrolled::AddLayer("TanH", {unrolled::At("h_input", t)}, {unrolled::At("h", t)}, net);
    unrolled::AddInnerProduct(param, "ho", true, 2, units, unrolled::At("h", t),
                              unrolled::At("o_input", t), net);
    unrolled::AddLayer("TanH", {unrolled::At("o_input", t)}, {unrolled::At("o", t)}, net);
  }
  unrolled::AddConcat("o", steps, "o", net);
}

template <typename Dtype>
bool RNNLayer<Dtype>::KnowsSteps() const {
  return IsExactly<RNNLayer>(*this);
}

template <typename Dtype>
void RNNLayer<Dtype>::ForwardSteps(const vector<Blob<Dtype>*>& bottom) {
  const auto tanh = [](Dtype x) { return std::tanh(x); };
  const int units = this->StateWeights()->shape(1), rows = this->T_ * this->N_;
  const vector<Dtype> constants = this->DriveGates(bottom, units);
  // The states take their gates' place.
  Dtype* h = this->gates_.mutable_cpu_data();
  this->RunSteps(constants, h, [=](int t, int n) {
    Dtype* row = h + (std::ptrdiff_t(t) * this->N_ + n) * units;
    MapKernel(tanh, units, row, row);
  });
  this->KeepState(0, h);
  outputs_.Reshape({this->T_, this->N_, units});
  Dtype* o = outputs_.mutable_cpu_data();
  FillWithBias(rows, *this->blobs_.back(), o);
  AddProduct(rows, h, *OutputWeights(), Dtype(1), o);
  ParallelMap(outputs_.count(), o, tanh, o);
  caffe_copy(outputs_.count(), o, this->output_blobs_[0]->mutable_cpu_data());
}

template <typename Dtype>
void RNNLayer<Dtype>::BackwardSteps(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  const int units = this->StateWeights()->shape(1), rows = this->T_ * this->N_;
  const int bias = static_cast<int>(this->blobs_.size()) - 1;
  const auto tanh_diff = [](Dtype y, Dtype dy) { return dy * (1 - y * y); };
  Dtype* dsums = outputs_.mutable_cpu_diff();
  ParallelMap(outputs_.count(), dsums, tanh_diff, outputs_.cpu_data(), top[0]->cpu_diff());
  const Dtype* h = this->gates_.cpu_data();
  Dtype* dh = this->gates_.mutable_cpu_diff();
  if (this->param_propagate_down(bias - 1)) AddWeightsDiff(rows, dsums, h, OutputWeights());
  if (this->param_propagate_down(bias)) AddBiasDiff(rows, dsums, this->blobs_[bias].get());
  ProductDiff(rows, dsums, *OutputWeights(), dh);
  this->RunStepsBack(dh, [=](int t, int n, const Dtype* dh_of_step) {
    const std::ptrdiff_t row = (std::ptrdiff_t(t) * this->N_ + n) * units;
    MapKernel(tanh_diff, units, dh + row, h + row, dh_of_step + std::ptrdiff_t(n) * units);
  });
  this->PassGatesDiff(propagate_down, bottom);
}

INSTANTIATE_CLASS(RNNLayer);
REGISTER_LAYER_CLASS(RNN);

}  // namespace caffe
