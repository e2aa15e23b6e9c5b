// Building a net: layers, the blobs between them, parameters, and what Backward has to visit.
#include <algorithm>

#include "caffe/net.hpp"
#include "caffe/util/insert_splits.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "net/layer_context.hpp"
#include "net/wiring.hpp"

namespace caffe {

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
void Net<Dtype>::Init(const NetParameter& in_param) {
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
  FuseLayers(param.blob_lifetime());
  PlanRelease(param.blob_lifetime());
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
        InLayer(*layer, i, [&] { return LayerRegistry<Dtype>::CreateLayer(*layer); }));
  }
}

template <typename Dtype>
void Net<Dtype>::AppendLayer(const LayerParameter& param, int id, Wiring* wiring) {
  CHECK(param.propagate_down_size() == 0 || param.propagate_down_size() == param.bottom_size())
      << "layer '" << param.name() << "': give propagate_down for each of its "
      << param.bottom_size() << " bottoms, or for none";
  LOG_IF(INFO, Caffe::root_solver()) << "Creating Layer " << param.name();
  Layer<Dtype>* layer = layers_[id].get();

  bool need_backward = false;
  for (int i = 0; i < param.bottom_size(); ++i) {
    need_backward |= blob_need_backward_[AppendBottom(param, id, i, wiring)];
  }
  for (int i = 0; i < param.top_size(); ++i) AppendTop(param, id, i, wiring);
  if (layer->AutoTopBlobs()) AppendAutoTops(param, id, wiring);

  InLayer(param, id, [&] { layer->SetUp(bottom_vecs_[id], top_vecs_[id]); });

  for (size_t i = 0; i < top_vecs_[id].size(); ++i) {
    const int blob_id = top_id_vecs_[id][i];
    blob_loss_weights_.resize(blobs_.size(), Dtype(0));
    blob_loss_weights_[blob_id] = layer->loss(i);
    wiring->memory += top_vecs_[id][i]->count() * sizeof(Dtype);
    LOG_IF(INFO, Caffe::root_solver()) << "Top shape: " << top_vecs_[id][i]->shape_string();
  }

  const int blobs = static_cast<int>(layer->blobs().size());
  CHECK(param.param_size() <= blobs)
      << "layer '" << param.name() << "' (" << param.type() << ") has " << blobs
      << " parameter blobs, but " << param.param_size() << " `param` entries";
  for (int i = 0; i < blobs; ++i) {
    const bool learnt = i >= param.param_size() || param.param(i).lr_mult() != 0;
    need_backward |= learnt;
    layer->set_param_propagate_down(i, learnt);
  }
  for (int i = 0; i < blobs; ++i) {
    InLayer(param, id, [&] { AppendParam(id, i); });
  }
  layer_need_backward_.push_back(need_backward);
  if (need_backward) {
    for (const int blob_id : top_id_vecs_[id]) blob_need_backward_[blob_id] = true;
  }
  NoteNeeds(id, need_backward, wiring);
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
        << "layer '" << param.name() << "' (" << param.type() << ") needs the net's input '" << name
        << "' and cannot write over it: give its top a new name";
  }
  LOG_IF(INFO, Caffe::root_solver())
      << param.name() << " -> " << name << (in_place ? " (in-place)" : "");
  if (in_place) {
    top_vecs_[layer_id].push_back(bottom_vecs_[layer_id][top_id]);
    top_id_vecs_[layer_id].push_back(wiring->blob_index[name]);
  } else {
    CHECK(same_name || wiring->blob_index.count(name) == 0)
        << "layer '" << param.name() << "' makes blob '" << name
        << "', which another layer makes already: rename one of the tops";
    const int blob_id = static_cast<int>(blobs_.size());
    blobs_.emplace_back(new Blob<Dtype>());
    blob_names_.push_back(name);
    blob_need_backward_.push_back(false);
    wiring->blob_index[name] = blob_id;
    top_id_vecs_[layer_id].push_back(blob_id);
    top_vecs_[layer_id].push_back(blobs_[blob_id].get());
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
void Net<Dtype>::AppendAutoTops(const LayerParameter& param, int layer_id, Wiring* wiring) {
  const Layer<Dtype>& layer = *layers_[layer_id];
  const int wanted = std::max(layer.MinTopBlobs(), layer.ExactNumTopBlobs());
  while (static_cast<int>(top_vecs_[layer_id].size()) < wanted) {
    const int blob_id = static_cast<int>(blobs_.size());
    blobs_.emplace_back(new Blob<Dtype>());
    blob_names_.push_back("(automatic)");
    blob_need_backward_.push_back(false);
    top_id_vecs_[layer_id].push_back(blob_id);
    top_vecs_[layer_id].push_back(blobs_[blob_id].get());
  }
}

// ---- parameters ----

template <typename Dtype>
void Net<Dtype>::AppendParam(int layer_id, int param_id) {
  const Layer<Dtype>& layer = *layers_[layer_id];
  const bool has_spec = param_id < layer.layer_param().param_size();
  const ParamSpec& spec =
      has_spec ? layer.layer_param().param(param_id) : ParamSpec::default_instance();
  const int net_param_id = static_cast<int>(params_.size());
  params_.push_back(layers_[layer_id]->blobs()[param_id]);
  param_id_vecs_[layer_id].push_back(net_param_id);
  param_layer_indices_.emplace_back(layer_id, param_id);
  param_display_names_.push_back(spec.name().empty() ? std::to_string(param_id) : spec.name());
  if (!spec.name().empty() && param_names_index_.count(spec.name())) {
    ShareParam(layer_id, param_id, spec);
    return;
  }
  if (!spec.name().empty()) param_names_index_[spec.name()] = net_param_id;
  param_owners_.push_back(-1);
  learnable_param_ids_.push_back(static_cast<int>(learnable_params_.size()));
  learnable_params_.push_back(params_[net_param_id].get());
  has_params_lr_.push_back(spec.has_lr_mult());
  params_lr_.push_back(spec.lr_mult());
  has_params_decay_.push_back(spec.has_decay_mult());
  params_weight_decay_.push_back(spec.decay_mult());
}

template <typename Dtype>
void Net<Dtype>::ShareParam(int layer_id, int param_id, const ParamSpec& spec) {
  const int owner = param_names_index_[spec.name()];
  const Blob<Dtype>& mine = *layers_[layer_id]->blobs()[param_id];
  const Blob<Dtype>& theirs = *params_[owner];
  const string with = "parameter '" + spec.name() + "' shared with layer '" +
                      layer_names_[param_layer_indices_[owner].first] + "'";
  const bool fits = spec.share_mode() == ParamSpec_DimCheckMode_PERMISSIVE
                        ? mine.count() == theirs.count()
                        : mine.shape() == theirs.shape();
  CHECK(fits) << with << " has shape " << theirs.shape_string() << " there, " << mine.shape_string()
              << " here"
              << (mine.count() == theirs.count() ? " (share_mode: PERMISSIVE allows it)" : "");
  param_owners_.push_back(owner);
  const int learnable = learnable_param_ids_[owner];
  learnable_param_ids_.push_back(learnable);
  const auto agree = [&](bool has, float value, vector<float>* values, vector<bool>* known,
                         const char* what) {
    if (!has) return;
    CHECK(!(*known)[learnable] || (*values)[learnable] == value)
        << with << " has " << what << " " << (*values)[learnable] << " there, " << value
        << " here: give the same";
    (*values)[learnable] = value;
    (*known)[learnable] = true;
  };
  agree(spec.has_lr_mult(), spec.lr_mult(), &params_lr_, &has_params_lr_, "lr_mult");
  agree(spec.has_decay_mult(), spec.decay_mult(), &params_weight_decay_, &has_params_decay_,
        "decay_mult");
}

template <typename Dtype>
void Net<Dtype>::ShareWeights() {
  for (size_t i = 0; i < params_.size(); ++i) {
    if (param_owners_[i] < 0) continue;
    params_[i]->ShareData(*params_[param_owners_[i]]);
    params_[i]->ShareDiff(*params_[param_owners_[i]]);
  }
}

// ---- backward ----

template <typename Dtype>
void Net<Dtype>::PlanBackward(const NetParameter& param) {
  // Seen from the losses: a blob matters if a layer that matters reads it; a blob that all its
  // readers refuse to send a diff to (propagate_down) ends the way back.
  set<string> towards_loss;
  set<string> blocked;
  for (int id = static_cast<int>(layers_.size()) - 1; id >= 0; --id) {
    bool contributes = false;
    bool all_blocked = true;
    for (size_t i = 0; i < top_vecs_[id].size(); ++i) {
      const string& name = blob_names_[top_id_vecs_[id][i]];
      contributes |= layers_[id]->loss(i) != 0 || towards_loss.count(name);
      all_blocked &= blocked.count(name) > 0;
    }
    if (layer_need_backward_[id] && all_blocked) {
      layer_need_backward_[id] = false;
      bottom_need_backward_[id].assign(bottom_need_backward_[id].size(), false);
    }
    if (!contributes) layer_need_backward_[id] = false;
    for (size_t i = 0; i < bottom_vecs_[id].size(); ++i) {
      const string& name = blob_names_[bottom_id_vecs_[id][i]];
      if (contributes) {
        towards_loss.insert(name);
      } else {
        bottom_need_backward_[id][i] = false;
      }
      if (!bottom_need_backward_[id][i]) blocked.insert(name);
    }
  }
  if (!param.force_backward()) return;
  for (size_t id = 0; id < layers_.size(); ++id) {
    layer_need_backward_[id] = true;
    for (size_t i = 0; i < bottom_vecs_[id].size(); ++i) {
      const bool need = bottom_need_backward_[id][i] || layers_[id]->AllowForceBackward(i);
      bottom_need_backward_[id][i] = need;
      const int blob_id = bottom_id_vecs_[id][i];
      blob_need_backward_[blob_id] = blob_need_backward_[blob_id] || need;
    }
    for (size_t i = 0; i < layers_[id]->blobs().size(); ++i) {
      layers_[id]->set_param_propagate_down(i, true);
    }
  }
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

// ---- look-ups ----

template <typename Dtype>
const vector<int>& Net<Dtype>::top_ids(int i) const {
  CHECK(0 <= i && i < static_cast<int>(top_id_vecs_.size())) << "the net has no layer " << i;
  return top_id_vecs_[i];
}

template <typename Dtype>
const vector<int>& Net<Dtype>::bottom_ids(int i) const {
  CHECK(0 <= i && i < static_cast<int>(bottom_id_vecs_.size())) << "the net has no layer " << i;
  return bottom_id_vecs_[i];
}

template <typename Dtype>
bool Net<Dtype>::has_blob(const string& blob_name) const {
  return blob_names_index_.count(blob_name) > 0;
}

template <typename Dtype>
const shared_ptr<Blob<Dtype>> Net<Dtype>::blob_by_name(const string& blob_name) const {
  const auto found = blob_names_index_.find(blob_name);
  if (found != blob_names_index_.end()) return blobs_[found->second];
  LOG(WARNING) << "Unknown blob name " << blob_name << DidYouMean(blob_name, blob_names_);
  return shared_ptr<Blob<Dtype>>();
}

template <typename Dtype>
bool Net<Dtype>::has_layer(const string& layer_name) const {
  return layer_names_index_.count(layer_name) > 0;
}

template <typename Dtype>
const shared_ptr<Layer<Dtype>> Net<Dtype>::layer_by_name(const string& layer_name) const {
  const auto found = layer_names_index_.find(layer_name);
  if (found != layer_names_index_.end()) return layers_[found->second];
  LOG(WARNING) << "Unknown layer name " << layer_name << DidYouMean(layer_name, layer_names_);
  return shared_ptr<Layer<Dtype>>();
}

INSTANTIATE_CLASS(Net);

}  // namespace caffe
