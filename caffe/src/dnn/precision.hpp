#ifndef CAFFE_SRC_DNN_PRECISION_HPP_
#define CAFFE_SRC_DNN_PRECISION_HPP_

#include "core/channel_layout.hpp"

namespace caffe {
namespace dnn {

/// Whether this processor multiplies bfloat16 numbers. Where it does not, layers compute in float.
#ifdef USE_ONEDNN
bool HasBfloat16();
#else
inline bool HasBfloat16() { return false; }
#endif

/// What layers of a precision multiply in the present mode.
inline Element MultipliedAs(Precision precision) {
  const bool gpu = Caffe::mode() == Caffe::GPU;
  if (precision == BF16 && (gpu || HasBfloat16())) return Element::kBFloat16;
  return precision == FP16 && gpu ? Element::kFloat16 : Element::kFloat;
}

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_PRECISION_HPP_
