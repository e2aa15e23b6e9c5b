// Which layers of a file belong to a net in a given phase, level and set of stages.
#include "net/filter.hpp"

#include <algorithm>
#include <set>

#include "caffe/net.hpp"
#include "net/layer_text.hpp"
#include "proto/copy_field.hpp"

namespace caffe {

namespace {

/// E.g. "'data', 'more data'": the layers that make a blob.
string MakersOf(const string& blob, const NetParameter& net) {
  string makers;
  for (const LayerParameter& layer : net.layer()) {
    if (std::count(layer.top().begin(), layer.top().end(), blob) == 0) continue;
    makers += (makers.empty() ? "'" : ", '") + layer.name() + "'";
  }
  return makers;
}

/// E.g. "phase TEST, level 0, stages a b".
string Describe(const NetState& state) {
  string text = "phase " + Phase_Name(state.phase()) + ", level " + std::to_string(state.level());
  if (state.stage_size() == 0) return text + ", no stage";
  text += ", stages";
  for (const string& stage : state.stage()) text += " " + stage;
  return text;
}

}  // namespace

void CheckWhatRulesLeaveOut(const NetParameter& whole, const NetParameter& kept) {
  std::set<string> made;
  for (const LayerParameter& layer : kept.layer()) {
    made.insert(layer.top().begin(), layer.top().end());
  }
  for (const LayerParameter& layer : kept.layer()) {
    for (const string& blob : layer.bottom()) {
      if (made.count(blob) > 0) continue;
      const string left_out = MakersOf(blob, whole);
      CHECK(left_out.empty()) << LayerText(layer) << " reads blob '" << blob
                              << "', but include or exclude rules leave what makes it (" << left_out
                              << ") out of a net with " << Describe(whole.state())
                              << ": ask for the phase, stage or level of one of them";
    }
  }
}

template <typename Dtype>
void Net<Dtype>::FilterNet(const NetParameter& param, NetParameter* param_filtered) {
  const NetState& state = param.state();
  NetParameter kept;
  CopyAllBut("layer", param, &kept);
  for (const LayerParameter& layer : param.layer()) {
    CHECK(layer.include_size() == 0 || layer.exclude_size() == 0)
        << LayerText(layer) << " has include and exclude rules: give one kind only";
    const auto meets = [&](const NetStateRule& rule) {
      return StateMeetsRule(state, rule, layer.name());
    };
    const bool included = layer.include_size() > 0
                              ? std::any_of(layer.include().begin(), layer.include().end(), meets)
                              : std::none_of(layer.exclude().begin(), layer.exclude().end(), meets);
    if (included) *kept.add_layer() = layer;
  }
  param_filtered->Swap(&kept);
}

template <typename Dtype>
bool Net<Dtype>::StateMeetsRule(const NetState& state, const NetStateRule& rule,
                                const string& layer_name) {
  if (rule.has_phase() && rule.phase() != state.phase()) return false;
  if (rule.has_min_level() && state.level() < rule.min_level()) return false;
  if (rule.has_max_level() && state.level() > rule.max_level()) return false;
  const auto has = [&](const string& stage) {
    return std::find(state.stage().begin(), state.stage().end(), stage) != state.stage().end();
  };
  return std::all_of(rule.stage().begin(), rule.stage().end(), has) &&
         std::none_of(rule.not_stage().begin(), rule.not_stage().end(), has);
}

#define INSTANTIATE(Dtype)                                                 \
  template void Net<Dtype>::FilterNet(const NetParameter&, NetParameter*); \
  template bool Net<Dtype>::StateMeetsRule(const NetState&, const NetStateRule&, const string&)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
