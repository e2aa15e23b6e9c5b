#ifndef CAFFE_SRC_LAYERS_INTERP_POSITIONS_HPP_
#define CAFFE_SRC_LAYERS_INTERP_POSITIONS_HPP_

#include "caffe/util/host_device.hpp"

namespace caffe {

/// The two input positions an output position lies between, and the weight of the second.
struct Between {
  int first, second;
  double weight;
};

/// The weights of the four corners between two rows and two columns: first row, first and second
/// column, then the second row's.
template <typename Real>
struct CornerWeights {
  Real of[4];
  CAFFE_HOST_DEVICE CornerWeights(const Between& row, const Between& column)
      : of{Real((1 - row.weight) * (1 - column.weight)), Real((1 - row.weight) * column.weight),
           Real(row.weight * (1 - column.weight)), Real(row.weight * column.weight)} {}
};

/// Where the outputs of an axis are in its input, `in` elements from `begin` on, with the corners
/// on each other. Shared by CPU and GPU.
struct AlignedAxis {
  int begin, in, out;

  CAFFE_HOST_DEVICE double Step() const { return out > 1 ? double(in - 1) / (out - 1) : 0; }
  CAFFE_HOST_DEVICE Between At(int o) const {
    const double at = o * Step();
    const int first = Smaller(static_cast<int>(at), in - 1);
    return {begin + first, begin + Smaller(first + 1, in - 1), at - first};
  }
  /// Outputs [FirstOutput, LastOutput) contain all that lie beside input position i.
  CAFFE_HOST_DEVICE int FirstOutput(int i) const {
    const double step = Step();
    if (step == 0) return 0;
    return Larger(0, static_cast<int>((i - begin - 1) / step) - 1);
  }
  CAFFE_HOST_DEVICE int LastOutput(int i) const {
    const double step = Step();
    if (step == 0) return out;
    const double last = (i - begin + 1) / step + 2;
    return last < out ? Larger(0, static_cast<int>(last)) : out;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_INTERP_POSITIONS_HPP_
