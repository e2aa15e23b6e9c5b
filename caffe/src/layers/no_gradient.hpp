#ifndef CAFFE_SRC_LAYERS_NO_GRADIENT_HPP_
#define CAFFE_SRC_LAYERS_NO_GRADIENT_HPP_

#include <vector>

#include "caffe/layer.hpp"

namespace caffe {

/// Throws where a diff is asked for of a bottom, from number `first` on, that can have none.
template <typename Dtype>
void RefuseGradient(const Layer<Dtype>& layer, const std::vector<bool>& propagate_down,
                    size_t first = 0) {
  for (size_t i = first; i < propagate_down.size(); ++i) {
    CHECK(!propagate_down[i]) << layer.type() << " has no gradient for bottom " << i
                              << ": no learnable layer may come before it (propagate_down: "
                                 "false stops the gradient there)";
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_NO_GRADIENT_HPP_
