#ifndef CAFFE_SRC_SOLVER_LAYER_STATES_HPP_
#define CAFFE_SRC_SOLVER_LAYER_STATES_HPP_

#include "caffe/net.hpp"
#include "net/layer_text.hpp"
#include "util/described_exception.hpp"

namespace caffe {

const int kTrainNet = -1;

/// Adds the states of those layers of a net that have one. `test_net` is the number of a test net,
/// or kTrainNet.
template <typename Dtype>
void SaveLayerStates(const Net<Dtype>& net, int test_net, SolverState* state) {
  for (size_t i = 0; i < net.layers().size(); ++i) {
    LayerState layer_state;
    net.layers()[i]->SaveState(&layer_state);
    if (layer_state.ByteSizeLong() == 0) continue;
    layer_state.set_layer(net.layer_names()[i]);
    if (test_net != kTrainNet) layer_state.set_test_net(test_net);
    *state->add_layer_state() = layer_state;
  }
}

/// Hands a saved state to the layer of the same name, if `net`, of that number, has it.
template <typename Dtype>
void RestoreLayerState(const LayerState& state, int test_net, Net<Dtype>* net) {
  const int of_net = state.has_test_net() ? state.test_net() : kTrainNet;
  if (of_net != test_net) return;
  const auto& names = net->layer_names();
  const auto found = std::find(names.begin(), names.end(), state.layer());
  if (found == names.end()) return;
  Layer<Dtype>& layer = *net->layers()[found - names.begin()];
  try {
    layer.RestoreState(state);
  } catch (const std::exception&) {
    RethrowFrom(LayerText(*found, layer.type()) + ": ");
  }
}

/// Hands saved states to the layers of a net; states of layers that it does not have are skipped.
template <typename Dtype>
void RestoreLayerStates(const SolverState& state, int test_net, Net<Dtype>* net) {
  for (const LayerState& layer_state : state.layer_state()) {
    RestoreLayerState(layer_state, test_net, net);
  }
}

/// The same on the way out of an error, which must not get lost: a layer that refuses the state
/// that it had is named in the log, and the others get theirs.
template <typename Dtype>
void PutBackLayerStates(const SolverState& before, int test_net, Net<Dtype>* net) {
  for (const LayerState& layer_state : before.layer_state()) {
    try {
      RestoreLayerState(layer_state, test_net, net);
    } catch (const std::exception& error) {
      LOG(ERROR) << "an earlier state cannot be put back: " << error.what();
    }
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_SOLVER_LAYER_STATES_HPP_
