#ifndef CAFFE_SRC_UTIL_SIMD_HPP_
#define CAFFE_SRC_UTIL_SIMD_HPP_

/// CAFFE_SIMD_CLONES before a function compiles it for wider vector units too; the loader picks the
/// copy for the processor at hand, so that one binary serves every x86-64 machine.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__AVX2__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAFFE_SIMD_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
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

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_SIMD_HPP_
