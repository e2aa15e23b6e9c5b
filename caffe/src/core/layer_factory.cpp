#include "caffe/layer_factory.hpp"

#include <set>

#include "caffe/layer.hpp"
#include "caffe/util/headers_digest.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/plugins.hpp"

extern "C" void CAFFE_HEADERS() {}

namespace caffe {

template <typename Dtype>
typename LayerRegistry<Dtype>::CreatorRegistry& LayerRegistry<Dtype>::Registry() {
  // Never destroyed: layers of a plug-in may outlive this library's static objects.
  static CreatorRegistry* registry = new CreatorRegistry();
  return *registry;
}

namespace {

// Layers that Caffe 1.0 does not have: code written for it may bring one of that name.
template <typename Dtype>
std::set<string>& Replaceable() {
  static auto* types = new std::set<string>{"BN",     "Clip",  "DenseImageData", "GeometricLoss",
                                            "Interp", "Swish", "Upsample"};
  return *types;
}

}  // namespace

template <typename Dtype>
void LayerRegistry<Dtype>::AddCreator(const string& type, Creator creator) {
  const auto added = Registry().emplace(type, creator);
  if (added.second) return;
  const bool same = added.first->second == creator;
  if (!same && Replaceable<Dtype>().erase(type)) {
    LOG(INFO) << "Layer type " << type << " is the program's own from now on.";
    added.first->second = creator;
    return;
  }
  const string error = "layer type '" + type + "' is registered twice: rename one of the layers";
  // A program with a class of the same name shares its creator with the runtime already; that a
  // plug-in does means that the runtime's class hides the plug-in's.
  if (!plugins::KeepRegistrationError(error) && !same) LOG(FATAL) << error;
}

template <typename Dtype>
shared_ptr<Layer<Dtype>> LayerRegistry<Dtype>::CreateLayer(const LayerParameter& param) {
  const auto found = Registry().find(param.type());
  if (found == Registry().end()) {
    LOG(FATAL) << "unknown layer type '" << param.type() << "'"
               << DidYouMean(param.type(), LayerTypeList())
               << "; layers of your own come in a plug-in (--plugin, CAFFE_PLUGINS)";
  }
  return found->second(param);
}

template <typename Dtype>
vector<string> LayerRegistry<Dtype>::LayerTypeList() {
  vector<string> types;
  for (const auto& entry : Registry()) types.push_back(entry.first);
  return types;
}

INSTANTIATE_CLASS(LayerRegistry);

}  // namespace caffe
