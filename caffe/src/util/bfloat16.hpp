#ifndef CAFFE_SRC_UTIL_BFLOAT16_HPP_
#define CAFFE_SRC_UTIL_BFLOAT16_HPP_

#include <cstdint>
#include <type_traits>

#include "caffe/util/host_device.hpp"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#include <cuda_bf16.h>
#define CAFFE_GPU_ROUNDS_BFLOAT16
#endif

namespace caffe {

/// The upper half of a float: its sign and exponent, and 7 bits of its fraction. Half the memory,
/// and processors with AVX512-BF16 or AMX multiply it several times as fast. Arithmetic is done in
/// float.
struct BFloat16 {
  uint16_t bits;

  BFloat16() = default;
  /// The nearest value, of two equally near ones the even one. NaN stays NaN.
  CAFFE_HOST_DEVICE BFloat16(float value) : bits(Round(value)) {}
  /// For loops over arrays: the compiler's vectors hold numbers, and assigning a whole BFloat16 is
  /// to copy an object.
  CAFFE_HOST_DEVICE BFloat16& operator=(float value) {
    bits = Round(value);
    return *this;
  }
  CAFFE_HOST_DEVICE operator float() const {
    return __builtin_bit_cast(float, uint32_t(bits) << 16);
  }

 private:
  CAFFE_HOST_DEVICE static uint16_t Round(float value) {
#ifdef CAFFE_GPU_ROUNDS_BFLOAT16
    return __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
    const uint32_t whole = __builtin_bit_cast(uint32_t, value);
    const uint32_t rounded = whole + 0x7fffu + (whole >> 16 & 1u);
    const bool is_nan = (whole & 0x7fffffffu) > 0x7f800000u;
    return static_cast<uint16_t>((is_nan ? whole | 0x400000u : rounded) >> 16);
#endif
  }
};

static_assert(sizeof(BFloat16) == 2, "blobs of bfloat16 values have two bytes a value");

/// What is computed with where values are kept as T: float for types of 16 bits.
template <typename T>
using Arithmetic = typename std::conditional<sizeof(T) == 2, float, T>::type;

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_BFLOAT16_HPP_
