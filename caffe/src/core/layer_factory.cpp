#include "caffe/layer_factory.hpp"

#include "caffe/layer.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/plugins.hpp"

namespace caffe {

template <typename Dtype>
typename LayerRegistry<Dtype>::CreatorRegistry& LayerRegistry<Dtype>::Registry() {
  // Never destroyed: layers of a plug-in may outlive this library's static objects.
  static CreatorRegistry* registry = new CreatorRegistry();
  return *registry;
}

template <typename Dtype>
void LayerRegistry<Dtype>::AddCreator(const string& type, Creator creator) {
  if (Registry().emplace(type, creator).second) return;
  const string error = "layer type '" + type + "' is registered twice: rename one of the layers";
  if (!plugins::KeepRegistrationError(error)) LOG(FATAL) << error;
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
