#include "caffe/util/insert_splits.hpp"

#include <map>
#include <utility>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/names.hpp"
#include "net/layer_text.hpp"
#include "proto/copy_field.hpp"

namespace caffe {

namespace {

// A bottom or a top: index of its layer, and its own among those of the layer. In-place layers make
// a new top of an old name.
using Slot = std::pair<int, int>;

struct Readers {
  int count = 0;  // bottoms that read the top, and the loss if it is one
  int next = 0;   // how many of them have been wired
  float loss_weight = 0;
};

vector<string> Names(const std::map<string, Slot>& tops) {
  vector<string> names;
  for (const auto& entry : tops) names.push_back(entry.first);
  return names;
}

// For every bottom the top it reads, and for every top who reads it.
struct Flow {
  std::map<Slot, Slot> source_of_bottom;
  std::map<Slot, Readers> readers;
};

Flow TraceFlow(const NetParameter& net) {
  Flow flow;
  std::map<string, Slot> newest;
  for (int i = 0; i < net.layer_size(); ++i) {
    const LayerParameter& layer = net.layer(i);
    for (int j = 0; j < layer.bottom_size(); ++j) {
      const auto source = newest.find(layer.bottom(j));
      CHECK(source != newest.end())
          << LayerText(layer) << " reads blob '" << layer.bottom(j) << "' (bottom " << j
          << "), which no layer before it makes" << DidYouMean(layer.bottom(j), Names(newest));
      flow.source_of_bottom[{i, j}] = source->second;
      ++flow.readers[source->second].count;
    }
    for (int j = 0; j < layer.top_size(); ++j) newest[layer.top(j)] = {i, j};
    const int losses = std::min(layer.loss_weight_size(), layer.top_size());
    for (int j = 0; j < losses; ++j) {
      if (layer.loss_weight(j) == 0) continue;
      // Not the newest of its name: a layer whose tops have one name is refused only later.
      Readers& readers = flow.readers[{i, j}];
      readers.loss_weight = layer.loss_weight(j);
      // The loss is a reader of its own as soon as a layer reads the blob, too.
      ++readers.count;
    }
  }
  return flow;
}

}  // namespace

void InsertSplits(const NetParameter& param, NetParameter* param_split) {
  Flow flow = TraceFlow(param);
  NetParameter result;
  CopyAllBut("layer", param, &result);
  for (int i = 0; i < param.layer_size(); ++i) {
    LayerParameter* layer = result.add_layer();
    *layer = param.layer(i);
    for (int j = 0; j < layer->bottom_size(); ++j) {
      const Slot source = flow.source_of_bottom[{i, j}];
      Readers& readers = flow.readers[source];
      if (readers.count < 2) continue;
      layer->set_bottom(j, SplitBlobName(param.layer(source.first).name(), layer->bottom(j),
                                         source.second, readers.next++));
    }
    for (int j = 0; j < layer->top_size(); ++j) {
      const auto found = flow.readers.find({i, j});
      if (found == flow.readers.end() || found->second.count < 2) continue;
      Readers& readers = found->second;
      ConfigureSplitLayer(layer->name(), layer->top(j), j, readers.count, readers.loss_weight,
                          result.add_layer());
      if (readers.loss_weight != 0) {
        // The first copy is the loss now.
        layer->set_loss_weight(j, 0);
        if (layer->loss_weight_size() == 1) layer->clear_loss_weight();
        ++readers.next;
      }
    }
  }
  param_split->Swap(&result);
}

void ConfigureSplitLayer(const string& layer_name, const string& blob_name, const int blob_idx,
                         const int split_count, const float loss_weight,
                         LayerParameter* split_layer_param) {
  split_layer_param->Clear();
  split_layer_param->add_bottom(blob_name);
  split_layer_param->set_name(SplitLayerName(layer_name, blob_name, blob_idx));
  split_layer_param->set_type("Split");
  for (int k = 0; k < split_count; ++k) {
    split_layer_param->add_top(SplitBlobName(layer_name, blob_name, blob_idx, k));
    if (loss_weight != 0) split_layer_param->add_loss_weight(k == 0 ? loss_weight : 0);
  }
}

string SplitLayerName(const string& layer_name, const string& blob_name, const int blob_idx) {
  return blob_name + "_" + layer_name + "_" + std::to_string(blob_idx) + "_split";
}

string SplitBlobName(const string& layer_name, const string& blob_name, const int blob_idx,
                     const int split_idx) {
  return SplitLayerName(layer_name, blob_name, blob_idx) + "_" + std::to_string(split_idx);
}

}  // namespace caffe
