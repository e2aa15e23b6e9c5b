#pragma once

// DCME_SIMD_CLONES before a function compiles it twice more, for wider and for the widest vector
// units; the loader picks the copy for the processor at hand. One binary then serves every x86-64
// machine. The build keeps floating point contraction off, so all copies give equal bits. The
// condition is that of CAFFE_SIMD_CLONES (caffe/src/util/simd.hpp), which a test holds together.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__AVX2__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DCME_SIMD_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DCME_SIMD_CLONES
#endif
