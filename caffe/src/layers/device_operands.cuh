#ifndef CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_
#define CAFFE_SRC_LAYERS_DEVICE_OPERANDS_CUH_

/// Element-wise functions of many blobs, as Eltwise and Split have them, in as few kernels as
/// possible.

#include <type_traits>
#include <vector>

#include "gpu/vectors.cuh"

namespace caffe {

/// Blobs that one kernel reads, whose values are kept as T (const), or writes. Their number is
/// known to the compiler: what is looked up by a number that it does not know would have to lie in
/// memory.
template <typename T, int count>
struct Operands {
  using Real = Arithmetic<std::remove_const_t<T>>;
  static constexpr int kCount = count;

  /// Whether the result starts here, or ends; else it holds that of the operands before.
  bool first, last;
  T* at[kCount];
  Real factor[kCount];

  /// Whether all of them are Aligned.
  bool aligned() const {
    for (const T* operand : at) {
      if (!Aligned(operand)) return false;
    }
    return true;
  }
};

/// The most blobs of one kernel; with more, results are rounded in between.
constexpr int kMostOperands = 4;

/// y = the sum of factor * operand; in the end, what is not positive is multiplied by `slope`.
/// Element i: unit i of the values.
template <typename X, typename Unit>
struct SumOf {
  X x;
  typename X::Real slope;
  Unit* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    using Real = typename X::Real;
    Real sum[Unit::kSize] = {};
    if (!x.first) {
      const Unit before = y[i];
      for (int j = 0; j < Unit::kSize; ++j) sum[j] = before[j];
    }
    for (int k = 0; k < X::kCount; ++k) {
      const Unit from = AsUnits<Unit>(x.at[k])[i];
      for (int j = 0; j < Unit::kSize; ++j) sum[j] += x.factor[k] * Real(from[j]);
    }
    Unit result;
    for (int j = 0; j < Unit::kSize; ++j) {
      result[j] = sum[j] > 0 || !x.last ? sum[j] : sum[j] * slope;
    }
    y[i] = result;
  }
};

/// Sums of n values each.
template <typename X, typename T>
void SumOnGpu(std::ptrdiff_t n, const X& x, T* y, typename X::Real slope = 1) {
  ForUnitsOfBlob<T>(n, x.aligned() && Aligned(y), [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    return SumOf<X, Unit>{x, slope, AsUnits<Unit>(y)};
  });
}

/// Calls use(operands, number of the first of them) until all blobs have been used.
template <typename T, typename Dtype, typename Use>
void ForOperands(const std::vector<T*>& blobs, const std::vector<Dtype>& factors, const Use& use) {
  const int all = static_cast<int>(blobs.size());
  for (int number = 0; number < all;) {
    const auto take = [&](auto operands) {
      operands.first = number == 0;
      operands.last = number + operands.kCount == all;
      for (int k = 0; k < operands.kCount; ++k) {
        operands.at[k] = blobs[number + k];
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
