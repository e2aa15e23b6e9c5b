#ifndef CAFFE_SRC_NET_LAYER_CONTEXT_HPP_
#define CAFFE_SRC_NET_LAYER_CONTEXT_HPP_

/// Actions whose errors say where in a net they happened.

#include <algorithm>
#include <string>
#include <vector>

#include "caffe/net.hpp"
#include "caffe/util/plain_text.hpp"
#include "core/device_pool.hpp"
#include "net/layer_text.hpp"
#include "net/memory_need.hpp"
#include "util/described_exception.hpp"

namespace caffe {

/// A blob's name in the prototxt: for a copy that a Split layer of the net makes, the original's.
template <typename Dtype>
const string& NameInFile(const Net<Dtype>& net, int blob_id) {
  const string& name = net.blob_names()[blob_id];
  for (size_t i = 0; i < net.layers().size(); ++i) {
    const vector<int>& tops = net.top_ids(i);
    if (std::find(tops.begin(), tops.end(), blob_id) == tops.end()) continue;
    // As InsertSplits names them.
    const string& layer = net.layer_names()[i];
    const bool added = net.layers()[i]->layer_param().type() == "Split" &&
                       name.compare(0, layer.size() + 1, layer + "_") == 0;
    if (added) return net.blob_names()[net.bottom_ids(i)[0]];
  }
  return name;
}

/// Runs `action`; an Error leaves it with what `where` returns in front and, where a GPU's memory
/// is full, what the net needs behind.
template <typename Dtype, typename Where, typename Action>
auto At(const Net<Dtype>& net, const Where& where, const Action& action) -> decltype(action()) {
  try {
    return action();
#ifndef CPU_ONLY
  } catch (const OutOfDeviceMemory& error) {
    throw Error(where() + error.what() + NeedOf(net, error.available));
#endif
  } catch (const std::exception&) {
    RethrowFrom(where());
  }
}

/// Runs `action` for a layer, which may not be made yet; an Error leaves it with the layer's name,
/// type and bottoms in front.
template <typename Dtype, typename Action>
auto InLayer(const Net<Dtype>& net, const LayerParameter& param, int layer_id, const Action& action)
    -> decltype(action()) {
  const auto context = [&] {
    PlainText text;
    text << LayerText(param.name()) << " (" << param.type();
    const vector<Blob<Dtype>*>& bottom = net.bottom_vecs()[layer_id];
    for (size_t i = 0; i < bottom.size(); ++i) {
      text << (i ? ", " : "; bottoms: ") << NameInFile(net, net.bottom_ids(layer_id)[i]) << " "
           << bottom[i]->shape_string();
    }
    text << "): ";
    return text.str();
  };
  return At(net, context, action);
}
template <typename Dtype, typename Action>
auto InLayer(const Net<Dtype>& net, int layer_id, const Action& action) -> decltype(action()) {
  return InLayer(net, net.layers()[layer_id]->layer_param(), layer_id, action);
}

}  // namespace caffe

#endif  // CAFFE_SRC_NET_LAYER_CONTEXT_HPP_
