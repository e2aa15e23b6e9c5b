#ifndef CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_
#define CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_

/// Element-wise functions of many blobs, as Eltwise and Split have them, in as few kernels as
/// possible.

#include <algorithm>
#include <vector>

#include "util/device_loops.cuh"

namespace caffe {

/// Up to kMost blobs that one kernel reads.
template <typename Dtype>
struct Operands {
  static constexpr int kMost = 8;

  int count;
  /// Whether the result starts here; else it holds that of the operands before.
  bool first;
  const Dtype* from[kMost];
  Dtype factor[kMost];
};

/// y = the sum of factor * operand.
template <typename Dtype>
struct SumOf {
  Operands<Dtype> x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    Dtype sum = x.first ? Dtype(0) : y[i];
    for (int k = 0; k < x.count; ++k) sum += x.factor[k] * x.from[k][i];
    y[i] = sum;
  }
};

/// Calls use(operands, number of the first of them) until all inputs have been used.
template <typename Dtype, typename Use>
void ForOperands(const std::vector<const Dtype*>& inputs, const std::vector<Dtype>& factors,
                 const Use& use) {
  const int all = static_cast<int>(inputs.size());
  for (int number = 0; number < all; number += Operands<Dtype>::kMost) {
    Operands<Dtype> operands = {};
    operands.count = std::min(Operands<Dtype>::kMost + 0, all - number);
    operands.first = number == 0;
    for (int k = 0; k < operands.count; ++k) {
      operands.from[k] = inputs[number + k];
      operands.factor[k] = factors[number + k];
    }
    use(operands, number);
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_
