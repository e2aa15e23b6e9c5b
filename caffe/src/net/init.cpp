// Building a net: layers, and the blobs between them.
#include <algorithm>
#include <map>

#include "caffe/net.hpp"
#include "caffe/util/insert_splits.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "core/this_device.hpp"
#include "net/filter.hpp"
#include "net/layer_context.hpp"
#include "net/layer_text.hpp"
#include "net/run_plan.hpp"
#include "net/wiring.hpp"

namespace caffe {

namespace {

/// Where a loss is read as well, a Split's first copy of it counts (InsertSplits). Its layer, which
/// has no weight any more, must not take the one that losses have where nothing is said.
void CountLossesOnce(NetParameter* net) {
  std::map<string, LayerParameter*> makers;
  for (LayerParameter& layer : *net->mutable_layer()) {
    if (layer.type() == "Split" && layer.loss_weight_size() > 0) {
      LayerParameter* maker = makers[layer.bottom(0)];
      const int silent = maker->loss_weight_size() == 0 ? maker->top_size() : 0;
      for (int i = 0; i < silent; ++i) maker->add_loss_weight(0);
    }
    for (const string& top : layer.top()) makers[top] = &layer;
  }
}

}  // namespace

template <typename Dtype>
Net<Dtype>::Net(const NetParameter& param) {
  Init(param);
}

template <typename Dtype>
Net<Dtype>::Net(const string& param_file, Phase phase, const int level,
                const vector<string>* stages) {
  NetParameter param;
  ReadNetParamsFromTextFileOrDie(param_file, &param);
  param.mutable_state()->set_phase(phase);
  param.mutable_state()->set_level(level);
  if (stages) {
    for (const string& stage : *stages) param.mutable_state()->add_stage(stage);
  }
  Init(param);
}

template <typename Dtype>
Net<Dtype>::~Net() = default;

template <typename Dtype>
void Net<Dtype>::Init(const NetParameter& in_param) {
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) ThisDevice();  // where there is none, no layer is to blame
#endif
  plan_.reset(new RunPlan<Dtype>(*this));
  NetParameter upgraded;
  const bool old = NetNeedsUpgrade(in_param);
  if (old) {
    upgraded = in_param;
    UpgradeNetAsNeeded("net '" + in_param.name() + "'", &upgraded);
  }
  const NetParameter& present = old ? upgraded : in_param;
  phase_ = present.state().phase();
  NetParameter param;
  FilterNet(present, &param);
  CheckWhatRulesLeaveOut(present, param);
  InsertSplits(param, &param);
  CountLossesOnce(&param);
  name_ = param.name();
  debug_info_ = param.debug_info();

  CreateLayers(&param);
  Wiring wiring;
  FindWaysBack(param, &wiring);
  for (int i = 0; i < param.layer_size(); ++i) AppendLayer(param.layer(i), i, &wiring);
  PlanBackward(param);
  FindOutputs(wiring);
  NameLayersAndBlobs();
  ShareWeights();
  plan_->fusion = FuseLayers(*this, param.blob_lifetime(), debug_info_);
  plan_->release.Plan(param.blob_lifetime());
  plan_->shapes.Note(0, static_cast<int>(layers_.size()) - 1);
  LOG_IF(INFO, Caffe::root_solver()) << "Memory required for data: " << wiring.memory;
  LOG_IF(INFO, Caffe::root_solver()) << "Network initialization done.";
}

template <typename Dtype>
void Net<Dtype>::CreateLayers(NetParameter* param) {
  const int layers = param->layer_size();
  bottom_vecs_.resize(layers);
  bottom_id_vecs_.resize(layers);
  bottom_need_backward_.resize(layers);
  top_vecs_.resize(layers);
  top_id_vecs_.resize(layers);
  param_id_vecs_.resize(layers);
  for (int i = 0; i < layers; ++i) {
    LayerParameter* layer = param->mutable_layer(i);
    if (!layer->has_phase()) layer->set_phase(phase_);
    // Only where it says something: the layer's parameters are saved with its weights.
    if (param->precision() != FP32 && !layer->has_precision()) {
      layer->set_precision(param->precision());
    }
    layer_names_.push_back(layer->name());
    layers_.push_back(
        InLayer(*this, *layer, i, [&] { return LayerRegistry<Dtype>::CreateLayer(*layer); }));
  }
}

template <typename Dtype>
void Net<Dtype>::AppendLayer(const LayerParameter& param, int id, Wiring* wiring) {
  CHECK(param.propagate_down_size() == 0 || param.propagate_down_size() == param.bottom_size())
      << LayerText(param) << ": give propagate_down for each of its " << param.bottom_size()
      << " bottoms, or for none";
  LOG_IF(INFO, Caffe::root_solver()) << "Creating Layer " << param.name();
  Layer<Dtype>* layer = layers_[id].get();

  bool need_backward = false;
  for (int i = 0; i < param.bottom_size(); ++i) {
    need_backward |= blob_need_backward_[AppendBottom(param, id, i, wiring)];
  }
  for (int i = 0; i < param.top_size(); ++i) AppendTop(param, id, i, wiring);
  if (layer->AutoTopBlobs()) AppendAutoTops(id);

  InLayer(*this, param, id, [&] { layer->SetUp(bottom_vecs_[id], top_vecs_[id]); });

  for (size_t i = 0; i < top_vecs_[id].size(); ++i) {
    const int blob_id = top_id_vecs_[id][i];
    blob_loss_weights_.resize(blobs_.size(), Dtype(0));
    blob_loss_weights_[blob_id] = layer->loss(i);
    wiring->memory += top_vecs_[id][i]->count() * sizeof(Dtype);
    LOG_IF(INFO, Caffe::root_solver()) << "Top shape: " << top_vecs_[id][i]->shape_string();
  }

  const int blobs = static_cast<int>(layer->blobs().size());
  CHECK(param.param_size() <= blobs)
      << LayerText(param) << " has " << blobs << " parameter blobs, but " << param.param_size()
      << " `param` entries";
  for (int i = 0; i < blobs; ++i) {
    const bool learnt = i >= param.param_size() || param.param(i).lr_mult() != 0;
    need_backward |= learnt;
    layer->set_param_propagate_down(i, learnt);
  }
  for (int i = 0; i < blobs; ++i) {
    InLayer(*this, param, id, [&] { AppendParam(id, i); });
  }
  layer_need_backward_.push_back(need_backward);
  if (need_backward) {
    for (const int blob_id : top_id_vecs_[id]) blob_need_backward_[blob_id] = true;
  }
  NoteNeeds(id, need_backward, wiring);
}

template <typename Dtype>
int Net<Dtype>::AddBlob(int layer_id, const string& name) {
  const int blob_id = static_cast<int>(blobs_.size());
  blobs_.emplace_back(new Blob<Dtype>());
  blob_names_.push_back(name);
  blob_need_backward_.push_back(false);
  top_id_vecs_[layer_id].push_back(blob_id);
  top_vecs_[layer_id].push_back(blobs_[blob_id].get());
  return blob_id;
}

template <typename Dtype>
void Net<Dtype>::AppendTop(const LayerParameter& param, int layer_id, int top_id, Wiring* wiring) {
  const string& name = param.top(top_id);
  const bool same_name = top_id < param.bottom_size() && name == param.bottom(top_id);
  const bool in_place = same_name && IsInPlace(layer_id, wiring->blob_index[name], *wiring);
  if (same_name && !in_place) {
    // Whoever fills an input finds it by its name.
    const vector<int>& inputs = net_input_blob_indices_;
    CHECK(std::find(inputs.begin(), inputs.end(), wiring->blob_index[name]) == inputs.end())
        << LayerText(param) << " needs the net's input '" << name
        << "' and cannot write over it: give its top a new name";
  }
  LOG_IF(INFO, Caffe::root_solver())
      << param.name() << " -> " << name << (in_place ? " (in-place)" : "");
  if (in_place) {
    top_vecs_[layer_id].push_back(bottom_vecs_[layer_id][top_id]);
    top_id_vecs_[layer_id].push_back(wiring->blob_index[name]);
  } else {
    CHECK(same_name || wiring->blob_index.count(name) == 0)
        << LayerText(param) << " makes blob '" << name
        << "', which another layer makes already: rename one of the tops";
    const int blob_id = AddBlob(layer_id, name);
    wiring->blob_index[name] = blob_id;
    if (param.type() == "Input") {
      net_input_blob_indices_.push_back(blob_id);
      net_input_blobs_.push_back(blobs_[blob_id].get());
    }
  }
  wiring->unread.insert(name);
}

template <typename Dtype>
int Net<Dtype>::AppendBottom(const LayerParameter& param, int layer_id, int bottom_id,
                             Wiring* wiring) {
  const string& name = param.bottom(bottom_id);
  const int blob_id = wiring->blob_index.at(name);  // InsertSplits has looked for it
  LOG_IF(INFO, Caffe::root_solver()) << param.name() << " <- " << name;
  bottom_vecs_[layer_id].push_back(blobs_[blob_id].get());
  bottom_id_vecs_[layer_id].push_back(blob_id);
  wiring->unread.erase(name);
  bottom_need_backward_[layer_id].push_back(param.propagate_down_size() > 0
                                                ? param.propagate_down(bottom_id)
                                                : blob_need_backward_[blob_id]);
  return blob_id;
}

template <typename Dtype>
void Net<Dtype>::AppendAutoTops(int layer_id) {
  const Layer<Dtype>& layer = *layers_[layer_id];
  const int wanted = std::max(layer.MinTopBlobs(), layer.ExactNumTopBlobs());
  while (static_cast<int>(top_vecs_[layer_id].size()) < wanted) AddBlob(layer_id, "(automatic)");
}

template <typename Dtype>
void Net<Dtype>::FindOutputs(const Wiring& wiring) {
  for (const string& name : wiring.unread) {
    const int blob_id = wiring.blob_index.at(name);
    LOG_IF(INFO, Caffe::root_solver()) << "This network produces output " << name;
    net_output_blobs_.push_back(blobs_[blob_id].get());
    net_output_blob_indices_.push_back(blob_id);
  }
}

template <typename Dtype>
void Net<Dtype>::NameLayersAndBlobs() {
  for (size_t i = 0; i < blob_names_.size(); ++i) blob_names_index_[blob_names_[i]] = i;
  for (size_t i = 0; i < layer_names_.size(); ++i) layer_names_index_[layer_names_[i]] = i;
}

INSTANTIATE_CLASS(Net);

}  // namespace caffe
