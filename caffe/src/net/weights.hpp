#ifndef CAFFE_SRC_NET_WEIGHTS_HPP_
#define CAFFE_SRC_NET_WEIGHTS_HPP_

/// What reading weights has in common, whatever the format of their file.

#include <set>
#include <string>
#include <vector>

#include "caffe/net.hpp"
#include "net/layer_text.hpp"

namespace caffe {

/// What to do about parameters that do not fit; ends every such message. Who trains may want to
/// leave them.
inline string RemedyForWeights(Phase phase) {
  const string remedy = "; these may be weights of another net";
  if (phase != TRAIN) return remedy;
  return remedy +
         ". To learn this layer's parameters from scratch instead of copying them, rename the "
         "layer";
}

template <typename Dtype>
[[noreturn]] void FailShape(const string& where, const string& layer, int i, Phase phase,
                            const Blob<Dtype>& blob, const Blob<Dtype>& stored) {
  throw Error(where + "parameter " + std::to_string(i) + " of " + LayerText(layer) + " has shape " +
              blob.shape_string() + " in the net, " + stored.shape_string() + " in the weights" +
              RemedyForWeights(phase));
}

/// The names of the layers that have parameters.
template <typename Dtype>
vector<string> LayersWithParams(const Net<Dtype>& net) {
  vector<string> names;
  for (size_t i = 0; i < net.layers().size(); ++i) {
    if (!net.layers()[i]->blobs().empty()) names.push_back(net.layer_names()[i]);
  }
  return names;
}

/// Which of a file's layers with parameters a net took over; tells a wrong file from a partial one.
struct Transfer {
  vector<string> offered;
  vector<string> taken;

  /// Tells of what was left, and that nothing was taken.
  void Finish(const vector<string>& wanted) const {
    if (!Caffe::root_solver()) return;
    if (taken.empty() && !offered.empty() && !wanted.empty()) {
      LOG(WARNING) << "These may be weights of another net: none of their " << offered.size()
                   << " layers ('" << offered.front() << "', ...) is a layer of this one ('"
                   << wanted.front() << "', ...), which keeps the parameters it has.";
      return;
    }
    string left;
    const std::set<string> mine(taken.begin(), taken.end());
    for (const string& name : wanted) {
      if (mine.count(name) == 0) left += (left.empty() ? "" : ", ") + name;
    }
    LOG_IF(INFO, !left.empty()) << "Layers with no parameters in these weights keep their own: "
                                << left;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_NET_WEIGHTS_HPP_
