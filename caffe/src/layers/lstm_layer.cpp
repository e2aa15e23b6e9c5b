#include "caffe/layers/lstm_layer.hpp"

#include <climits>
#include <string>
#include <vector>

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

INSTANTIATE_CLASS(LSTMLayer);
REGISTER_LAYER_CLASS(LSTM);

}  // namespace caffe
