#ifndef CAFFE_SRC_NET_LAYER_CONTEXT_HPP_
#define CAFFE_SRC_NET_LAYER_CONTEXT_HPP_

#include <algorithm>
#include <string>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/net.hpp"
#include "core/device_pool.hpp"
#include "net/layer_text.hpp"
#include "net/memory_need.hpp"
#include "util/described_exception.hpp"

namespace caffe {

template <typename Dtype>
const string& Net<Dtype>::NameInFile(int blob_id) const {
  const string& name = blob_names_[blob_id];
  for (size_t i = 0; i < layers_.size(); ++i) {
    const vector<int>& tops = top_id_vecs_[i];
    if (std::find(tops.begin(), tops.end(), blob_id) == tops.end()) continue;
    // As InsertSplits names them.
    const bool added = layers_[i]->layer_param().type() == "Split" &&
                       name.compare(0, layer_names_[i].size() + 1, layer_names_[i] + "_") == 0;
    if (added) return blob_names_[bottom_id_vecs_[i][0]];
  }
  return name;
}

template <typename Dtype>
template <typename Action>
auto Net<Dtype>::InLayer(const LayerParameter& param, int layer_id, const Action& action) const
    -> decltype(action()) {
  const auto context = [&] {
    std::ostringstream text;
    text << LayerText(param.name()) << " (" << param.type();
    const vector<Blob<Dtype>*>& bottom = bottom_vecs_[layer_id];
    for (size_t i = 0; i < bottom.size(); ++i) {
      text << (i ? ", " : "; bottoms: ") << NameInFile(bottom_id_vecs_[layer_id][i]) << " "
           << bottom[i]->shape_string();
    }
    text << "): ";
    return text.str();
  };
  return At(context, action);
}

template <typename Dtype>
template <typename Where, typename Action>
auto Net<Dtype>::At(const Where& where, const Action& action) const -> decltype(action()) {
  try {
    return action();
#ifndef CPU_ONLY
  } catch (const OutOfDeviceMemory& error) {
    const bool built = data_end_.size() == blobs_.size();
    const string need =
        built
            ? "; " + DescribeNeed(name_, MemoryNeedOf(*this, data_end_, diff_end_), error.available)
            : "";
    throw Error(where() + error.what() + need);
#endif
  } catch (const std::exception&) {
    RethrowFrom(where());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_NET_LAYER_CONTEXT_HPP_
