#ifndef CAFFE_SRC_UTIL_FLOAT16_HPP_
#define CAFFE_SRC_UTIL_FLOAT16_HPP_

#include <cstdint>

#include "caffe/util/host_device.hpp"

#ifdef __CUDA_ARCH__
#include <cuda_fp16.h>
#endif

namespace caffe {

/// IEEE 754's binary16: 11 significant bits, up to 65504. Half the memory of a float, and GPUs
/// multiply it several times as fast; gradients need a loss_scale, or the small ones become 0.
/// Arithmetic is done in float.
struct Float16 {
  uint16_t bits;

  Float16() = default;
  /// The nearest value, of two equally near ones the even one; infinity beyond the largest. NaN
  /// stays NaN.
  CAFFE_HOST_DEVICE Float16(float value) : bits(Round(value)) {}
  CAFFE_HOST_DEVICE operator float() const { return Widen(bits); }

 private:
#ifdef __CUDA_ARCH__
  __device__ static uint16_t Round(float value) { return __half_as_ushort(__float2half_rn(value)); }
  __device__ static float Widen(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
#else
  // With 2^-14 as the smallest normal exponent, a float of the same digits has 112 more in its own.
  static constexpr uint32_t kMoreExponent = 112u << 23;

  static uint16_t Round(float value) {
    const uint32_t whole = __builtin_bit_cast(uint32_t, value);
    const uint32_t sign = whole >> 16 & 0x8000u, size = whole & 0x7fffffffu;
    uint32_t rounded;
    if (size > 0x7f800000u) {
      rounded = 0x7e00u;  // NaN
    } else if (size >= 0x47800000u) {
      rounded = 0x7c00u;  // 65536 and more: infinity
    } else if (size < 0x38800000u) {
      // Below 2^-14 the last bit is worth 2^-24: adding 0.5 leaves just those bits at a float's
      // end.
      const float sum = __builtin_bit_cast(float, size) + 0.5f;
      rounded = __builtin_bit_cast(uint32_t, sum) - 0x3f000000u;
    } else {
      const uint32_t even = size >> 13 & 1u;
      rounded = (size - kMoreExponent + 0xfffu + even) >> 13;
    }
    return static_cast<uint16_t>(sign | rounded);
  }

  static float Widen(uint16_t bits) {
    const uint32_t sign = uint32_t(bits & 0x8000u) << 16, size = bits & 0x7fffu;
    if (size < 0x400u) {
      const float value = static_cast<float>(size) * 0x1p-24f;
      return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, value) | sign);
    }
    const uint32_t more = size >= 0x7c00u ? 2 * kMoreExponent : kMoreExponent;
    return __builtin_bit_cast(float, sign | ((size << 13) + more));
  }
#endif
};

static_assert(sizeof(Float16) == 2, "blobs of such values have two bytes a value");

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_FLOAT16_HPP_
