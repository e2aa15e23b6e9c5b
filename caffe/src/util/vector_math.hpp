#ifndef CAFFE_SRC_UTIL_VECTOR_MATH_HPP_
#define CAFFE_SRC_UTIL_VECTOR_MATH_HPP_

/// Loops over elements in which exp, log, tanh and the like are computed for whole vectors.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "caffe/util/parallel_for.hpp"
#include "util/simd.hpp"

// glibc has versions of these functions for vectors, with errors of at most 4 units in the last
// place, but its headers tell the compiler of them only with -ffast-math, which would take NaN and
// infinity for impossible.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define CAFFE_FOR_VECTORS __attribute__((simd("notinbranch")))
extern "C" {
CAFFE_FOR_VECTORS float expf(float) noexcept;
CAFFE_FOR_VECTORS double exp(double) noexcept;
CAFFE_FOR_VECTORS float logf(float) noexcept;
CAFFE_FOR_VECTORS double log(double) noexcept;
CAFFE_FOR_VECTORS float powf(float, float) noexcept;
CAFFE_FOR_VECTORS double pow(double, double) noexcept;
#if __GLIBC_PREREQ(2, 35)
CAFFE_FOR_VECTORS float tanhf(float) noexcept;
CAFFE_FOR_VECTORS double tanh(double) noexcept;
CAFFE_FOR_VECTORS float expm1f(float) noexcept;
CAFFE_FOR_VECTORS double expm1(double) noexcept;
CAFFE_FOR_VECTORS float log1pf(float) noexcept;
CAFFE_FOR_VECTORS double log1p(double) noexcept;
#endif
}
#undef CAFFE_FOR_VECTORS
#endif

namespace caffe {

/// The first `count` of kLanes values; the others repeat the first one.
template <typename T>
struct SomeLanes {
  T values[kLanes];

  SomeLanes(const T* from, std::ptrdiff_t count) {
    std::fill(std::copy(from, from + count, values), values + kLanes, from[0]);
  }
};

/// to[i] = function(from[i]...) for i in [0, n); `to` may be one of `from`.
///
/// The last elements, fewer than a vector, are computed as a vector, too: what comes out depends on
/// the values alone, not on where they stand, or on how many threads share them. This is a part of
/// functions with CAFFE_SIMD_CLONES.
template <typename T, typename Function, typename... From>
inline void MapLanes(std::ptrdiff_t n, T* to, const Function& function, const From*... from) {
  const std::ptrdiff_t whole = n & ~std::ptrdiff_t(kLanes - 1);
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < whole; ++i) to[i] = function(from[i]...);
  if (whole == n) return;
  const auto map_rest = [&](const auto&... rest) {
    T results[kLanes];
#pragma omp simd
    for (int i = 0; i < kLanes; ++i) results[i] = function(rest.values[i]...);
    std::copy(results, results + (n - whole), to + whole);
  };
  map_rest(SomeLanes<From>(from + whole, n - whole)...);
}

template <typename T, typename Function, typename... From>
static CAFFE_SIMD_CLONES void MapKernel(const Function function, std::ptrdiff_t n, T* to,
                                        const From*... from) {
  MapLanes(n, to, function, from...);
}

/// MapLanes on several threads.
template <typename T, typename Function, typename... From>
void ParallelMap(std::ptrdiff_t n, T* to, const Function& function, const From*... from) {
  ParallelFor(n, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    MapKernel(function, end - begin, to + begin, (from + begin)...);
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_VECTOR_MATH_HPP_
