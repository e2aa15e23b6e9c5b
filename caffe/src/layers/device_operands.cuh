#ifndef CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_
#define CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_

/// Element-wise functions of many blobs, as Eltwise and Split have them, in as few kernels as
/// possible.

#include <type_traits>
#include <vector>

#include "gpu/vectors.cuh"

namespace caffe {

/// Blobs that one kernel reads, whose values are kept as T. Their number is known to the compiler:
/// what is looked up by a number that it does not know would have to lie in memory.
template <typename T, int count>
struct Operands {
  using Real = Arithmetic<T>;
  static constexpr int kCount = count;

  /// Whether the result starts here; else it holds that of the operands before.
  bool first;
  const T* from[kCount];
  Real factor[kCount];

  /// Whether all of them are Aligned.
  bool aligned() const {
    for (const T* operand : from) {
      if (!Aligned(operand)) return false;
    }
    return true;
  }
};

/// The most blobs of one kernel; with more, results are rounded in between.
constexpr int kMostOperands = 4;

/// y = the sum of factor * operand. Element i: unit i of the values.
template <typename X, typename Unit>
struct SumOf {
  X x;
  Unit* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    using Real = typename X::Real;
    Real sum[Unit::kSize] = {};
    if (!x.first) {
      const Unit before = y[i];
      for (int j = 0; j < Unit::kSize; ++j) sum[j] = before[j];
    }
    for (int k = 0; k < X::kCount; ++k) {
      const Unit from = AsUnits<Unit>(x.from[k])[i];
      for (int j = 0; j < Unit::kSize; ++j) sum[j] += x.factor[k] * Real(from[j]);
    }
    Unit result;
    for (int j = 0; j < Unit::kSize; ++j) result[j] = sum[j];
    y[i] = result;
  }
};

/// Sums of n values each.
template <typename X, typename T>
void SumOnGpu(std::ptrdiff_t n, const X& x, T* y) {
  ForUnitsOfBlob<T>(n, x.aligned() && Aligned(y), [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    return SumOf<X, Unit>{x, AsUnits<Unit>(y)};
  });
}

/// Calls use(operands, number of the first of them) until all inputs have been used.
template <typename T, typename Use>
void ForOperands(const std::vector<const T*>& inputs, const std::vector<Arithmetic<T>>& factors,
                 const Use& use) {
  const int all = static_cast<int>(inputs.size());
  for (int number = 0; number < all;) {
    const auto take = [&](auto operands) {
      operands.first = number == 0;
      for (int k = 0; k < operands.kCount; ++k) {
        operands.from[k] = inputs[number + k];
        operands.factor[k] = factors[number + k];
      }
      use(operands, number);
      number += operands.kCount;
    };
    switch (all - number) {
      case 1:
        take(Operands<T, 1>());
        break;
      case 2:
        take(Operands<T, 2>());
        break;
      case 3:
        take(Operands<T, 3>());
        break;
      default:
        take(Operands<T, kMostOperands>());
    }
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_
