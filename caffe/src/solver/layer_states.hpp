#ifndef CAFFE_SOLVER_LAYER_STATES_HPP_
#define CAFFE_SOLVER_LAYER_STATES_HPP_

#include "caffe/net.hpp"
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

/// Hands saved states to the layers of the same names; states of layers that the net does not have
/// are skipped.
template <typename Dtype>
void RestoreLayerStates(const SolverState& state, int test_net, Net<Dtype>* net) {
  for (const LayerState& layer_state : state.layer_state()) {
    const int of_net = layer_state.has_test_net() ? layer_state.test_net() : kTrainNet;
    if (of_net != test_net) continue;
    const auto& names = net->layer_names();
    const auto found = std::find(names.begin(), names.end(), layer_state.layer());
    if (found == names.end()) continue;
    Layer<Dtype>& layer = *net->layers()[found - names.begin()];
    try {
      layer.RestoreState(layer_state);
    } catch (const std::exception&) {
      RethrowFrom("layer '" + *found + "' (" + layer.type() + "): ");
    }
  }
}

}  // namespace caffe

#endif  // CAFFE_SOLVER_LAYER_STATES_HPP_
