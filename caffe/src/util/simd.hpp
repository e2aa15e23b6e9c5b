#ifndef CAFFE_SRC_UTIL_SIMD_HPP_
#define CAFFE_SRC_UTIL_SIMD_HPP_

#include <cstdint>
#include <type_traits>

#include "util/bfloat16.hpp"

/// CAFFE_SIMD_CLONES before a function compiles it for wider vector units too; the loader picks the
/// copy for the processor at hand, so that one binary serves every x86-64 machine. What the
/// function calls becomes a part of it: left outside, it would be compiled for the oldest
/// processor. The DCME core, which includes no Caffe, has the same condition (dcme/simd.hpp).
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__AVX2__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAFFE_SIMD_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), flatten))
#else
#define CAFFE_SIMD_CLONES
#endif

namespace caffe {

/// Elements that kernels handle in one step: an AVX-512 register of floats.
const int kLanes = 16;

/// kLanes neighbouring values, loaded and stored at any address.
template <typename Dtype>
struct Lanes {
  typedef Dtype Vector
      __attribute__((vector_size(kLanes * sizeof(Dtype)), aligned(sizeof(Dtype)), may_alias));

  static Vector& At(Dtype* values) { return *reinterpret_cast<Vector*>(values); }
  static const Vector& At(const Dtype* values) { return *reinterpret_cast<const Vector*>(values); }
};

/// The same of their bits.
typedef uint16_t HalfLanes __attribute__((vector_size(kLanes * 2), aligned(2), may_alias));
typedef uint32_t WordLanes __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

}  // namespace caffe

// Macros: in a function, vector arithmetic would be split up for the oldest processors before the
// function becomes a part of one for newer ones.

/// Loads values, as many as Lanes and the types of their bits have where it is used, in the vector
/// that is computed with: floats and doubles as they are, BFloat16 as floats.
#define CAFFE_LOAD_LANES(from, to)                                                            \
  do {                                                                                        \
    const auto* const lanes_from = (from);                                                    \
    if constexpr (sizeof(*lanes_from) == 2) {                                                 \
      const WordLanes lanes_bits =                                                            \
          __builtin_convertvector(*reinterpret_cast<const HalfLanes*>(lanes_from), WordLanes) \
          << 16;                                                                              \
      (to) = reinterpret_cast<const Lanes<float>::Vector&>(lanes_bits);                       \
    } else {                                                                                  \
      (to) = Lanes<typename std::decay<decltype(*lanes_from)>::type>::At(lanes_from);         \
    }                                                                                         \
  } while (0)

/// Stores a vector; rounded as BFloat16 does.
#define CAFFE_STORE_LANES(from, to)                                                          \
  do {                                                                                       \
    const auto lanes_value = (from);                                                         \
    auto* const lanes_to = (to);                                                             \
    if constexpr (sizeof(*lanes_to) == 2) {                                                  \
      const WordLanes lanes_bits = reinterpret_cast<const WordLanes&>(lanes_value);          \
      const WordLanes lanes_rounded = lanes_bits + 0x7fffu + (lanes_bits >> 16 & 1u);        \
      const WordLanes lanes_chosen =                                                         \
          (lanes_bits & 0x7fffffffu) > 0x7f800000u ? lanes_bits | 0x400000u : lanes_rounded; \
      *reinterpret_cast<HalfLanes*>(lanes_to) =                                              \
          __builtin_convertvector(lanes_chosen >> 16, HalfLanes);                            \
    } else {                                                                                 \
      Lanes<typename std::decay<decltype(*lanes_to)>::type>::At(lanes_to) = lanes_value;     \
    }                                                                                        \
  } while (0)

#endif  // CAFFE_SRC_UTIL_SIMD_HPP_
