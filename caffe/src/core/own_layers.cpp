#include "core/own_layers.hpp"

#include <map>
#include <mutex>

#include <dlfcn.h>

namespace caffe {

namespace {

// The place of the library that a function is in; dladdr looks through all of its names.
const void* LibraryOf(const void* function) {
  static std::mutex mutex;
  static auto* known = new std::map<const void*, const void*>();
  const std::lock_guard<std::mutex> lock(mutex);
  const auto entry = known->emplace(function, nullptr);
  Dl_info info;
  if (entry.second && dladdr(function, &info)) entry.first->second = info.dli_fbase;
  return entry.first->second;
}

}  // namespace

template <typename Dtype>
bool IsOwn(const Layer<Dtype>& layer) {
  static const void* const here = LibraryOf(reinterpret_cast<const void*>(&LibraryOf));
  const auto& registry = LayerRegistry<Dtype>::Registry();
  const auto found = registry.find(layer.layer_param().type());
  return found != registry.end() && LibraryOf(reinterpret_cast<const void*>(found->second)) == here;
}

template bool IsOwn(const Layer<float>&);
template bool IsOwn(const Layer<double>&);

}  // namespace caffe
