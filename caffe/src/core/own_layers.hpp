#ifndef CAFFE_SRC_CORE_OWN_LAYERS_HPP_
#define CAFFE_SRC_CORE_OWN_LAYERS_HPP_

#include "caffe/layer.hpp"

namespace caffe {

/// Whether the runtime made a layer by its registered type, not a plug-in or the program. What a
/// layer says of its passes is known to hold for these only: users derive classes with passes of
/// their own from the runtime's, and inherit the words. (Whether a layer is of one certain class:
/// IsExactly.)
template <typename Dtype>
bool IsOwn(const Layer<Dtype>& layer);

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_OWN_LAYERS_HPP_
