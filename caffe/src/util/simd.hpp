#ifndef CAFFE_SRC_UTIL_SIMD_HPP_
#define CAFFE_SRC_UTIL_SIMD_HPP_

#include <cstdint>

#include "util/bfloat16.hpp"

/// CAFFE_SIMD_CLONES before a function compiles it for wider vector units too; the loader picks the
/// copy for the processor at hand, so that one binary serves every x86-64 machine. What the
/// function calls becomes a part of it: left outside, it would be compiled for the oldest
/// processor.
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

/// Loads and stores kLanes values in the vector that is computed with.
inline void LoadLanes(const float* from, Lanes<float>::Vector* to) { *to = Lanes<float>::At(from); }
inline void LoadLanes(const double* from, Lanes<double>::Vector* to) {
  *to = Lanes<double>::At(from);
}
inline void StoreLanes(const Lanes<float>::Vector& from, float* to) { Lanes<float>::At(to) = from; }
inline void StoreLanes(const Lanes<double>::Vector& from, double* to) {
  Lanes<double>::At(to) = from;
}
// Loops, not vector arithmetic: that would be split up for the oldest processors before the
// function becomes a part of one for newer ones.
inline void LoadLanes(const BFloat16* from, Lanes<float>::Vector* to) {
  float values[kLanes];
#pragma GCC unroll 1
  for (int i = 0; i < kLanes; ++i) values[i] = float(from[i]);
  *to = Lanes<float>::At(values);
}
inline void StoreLanes(const Lanes<float>::Vector& from, BFloat16* to) {
  float values[kLanes];
  Lanes<float>::At(values) = from;
#pragma GCC unroll 1
  for (int i = 0; i < kLanes; ++i) to[i] = values[i];
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_SIMD_HPP_
