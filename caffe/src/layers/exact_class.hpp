#ifndef CAFFE_LAYERS_EXACT_CLASS_HPP_
#define CAFFE_LAYERS_EXACT_CLASS_HPP_

#include <typeinfo>

#include "caffe/layer.hpp"

namespace caffe {

/// Whether a layer is of this class and of none derived from it. Users derive classes with passes
/// of their own, under the base's type() or another: what is known of the passes of a class, so
/// that one layer can do the work of another, does not hold for those.
template <typename Class, typename Dtype>
bool IsExactly(const Layer<Dtype>& layer) {
  return typeid(layer) == typeid(Class);
}

}  // namespace caffe

#endif  // CAFFE_LAYERS_EXACT_CLASS_HPP_
