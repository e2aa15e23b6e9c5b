#ifndef CAFFE_SRC_NET_LAYER_TEXT_HPP_
#define CAFFE_SRC_NET_LAYER_TEXT_HPP_

/// How messages name a layer.

#include <string>

#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// E.g. "layer 'conv1'".
inline std::string LayerText(const std::string& name) { return "layer '" + name + "'"; }

/// E.g. "layer 'conv1' (Convolution)".
inline std::string LayerText(const std::string& name, const std::string& type) {
  return LayerText(name) + " (" + type + ")";
}
inline std::string LayerText(const LayerParameter& layer) {
  return LayerText(layer.name(), layer.type());
}

}  // namespace caffe

#endif  // CAFFE_SRC_NET_LAYER_TEXT_HPP_
