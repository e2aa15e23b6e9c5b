#include "caffe/layers/rnn_layer.hpp"

#include <string>
#include <vector>

#include "layers/unrolled_net.hpp"

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

INSTANTIATE_CLASS(RNNLayer);
REGISTER_LAYER_CLASS(RNN);

}  // namespace caffe
