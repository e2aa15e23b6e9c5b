#ifndef CAFFE_SRC_NET_LAYER_CONTEXT_HPP_
#define CAFFE_SRC_NET_LAYER_CONTEXT_HPP_

#include <new>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"

namespace caffe {

/// Runs `action` for a layer; an Error leaves it with the layer's name, type and bottoms in front.
template <typename Dtype, typename Action>
auto InLayer(const LayerParameter& layer, const vector<Blob<Dtype>*>& bottom, const Action& action)
    -> decltype(action()) {
  const auto context = [&] {
    std::ostringstream text;
    text << "layer '" << layer.name() << "' (" << layer.type();
    for (int i = 0; i < layer.bottom_size() && i < static_cast<int>(bottom.size()); ++i) {
      text << (i ? ", " : "; bottoms: ") << layer.bottom(i) << " " << bottom[i]->shape_string();
    }
    text << "): ";
    return text.str();
  };
  try {
    return action();
  } catch (const Error& error) {
    throw Error(context() + error.what());
  } catch (const std::bad_alloc&) {
    throw Error(context() + "out of memory: use a smaller batch or input");
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_NET_LAYER_CONTEXT_HPP_
