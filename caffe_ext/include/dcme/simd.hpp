#pragma once

#include <cmath>

// DCME_SIMD_CLONES before a function compiles it twice more, for wider and for the widest vector
// units; the loader picks the copy for the processor at hand. One binary then serves every x86-64
// machine. The core is built with floating point contraction off, so all its copies give equal
// bits. The condition is that of CAFFE_SIMD_CLONES (caffe/src/util/simd.hpp), which a test holds
// together.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__AVX2__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DCME_SIMD_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DCME_SIMD_CLONES
#endif

// In loops over vectors, std::tanh is glibc's for vectors (errors: at most 4 units in the last
// place), of which its headers tell only with -ffast-math.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
extern "C" {
__attribute__((simd("notinbranch"))) float tanhf(float) noexcept;
__attribute__((simd("notinbranch"))) double tanh(double) noexcept;
}
#endif
#endif
