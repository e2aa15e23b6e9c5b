#ifndef CAFFE_SRC_LAYERS_LSTM_SEQUENCE_HPP_
#define CAFFE_SRC_LAYERS_LSTM_SEQUENCE_HPP_

#include "layers/lstm_elements.hpp"
#include "util/vector_math.hpp"

namespace caffe {

/// A step of an LSTM on the CPU, for all units of sequence n.
template <typename Step>
static CAFFE_SIMD_CLONES void UnitsOfSequence(const Step step, int n) {
#pragma omp simd
  for (int k = 0; k < step.d; ++k) step.Unit(n, k);
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_LSTM_SEQUENCE_HPP_
