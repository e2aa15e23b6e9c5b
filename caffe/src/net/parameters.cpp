// The parameters of a net's layers: which learn, and which are one and the same.
#include "caffe/net.hpp"
#include "net/layer_text.hpp"

namespace caffe {

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
  const string with = "parameter '" + spec.name() + "' shared with " +
                      LayerText(layer_names_[param_layer_indices_[owner].first]);
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

#define INSTANTIATE(Dtype)                         \
  template void Net<Dtype>::AppendParam(int, int); \
  template void Net<Dtype>::ShareWeights()
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
