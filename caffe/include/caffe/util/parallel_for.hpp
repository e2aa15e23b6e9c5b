#ifndef CAFFE_UTIL_PARALLEL_FOR_HPP_
#define CAFFE_UTIL_PARALLEL_FOR_HPP_

#include <algorithm>
#include <cstddef>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "caffe/util/first_exception.hpp"

namespace caffe {

/// Threads that a parallel region started here would get.
inline int NumThreads() {
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

/// Calls body(begin, end) for pieces that cover [0, n), at least `grain` long, on several threads.
///
/// The pieces depend on the number of threads; a sum over a piece would too, so body must not make
/// one. The first exception that leaves body is thrown again after the last piece.
template <typename Body>
void ParallelFor(std::ptrdiff_t n, std::ptrdiff_t grain, const Body& body) {
  const int threads = static_cast<int>(
      std::min<std::ptrdiff_t>(NumThreads(), n / std::max<std::ptrdiff_t>(grain, 1)));
  if (threads <= 1) {
    if (n > 0) body(std::ptrdiff_t(0), n);
    return;
  }
#ifdef _OPENMP
  FirstException exception;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; ++t) {
    exception.CatchFrom([&] { body(n * t / threads, n * (t + 1) / threads); });
  }
  exception.Rethrow();
#endif
}

/// While it lives, all that the calling thread runs, libraries included, stays on this thread if it
/// is but a few operations (additions and multiplications): starting others takes microseconds, on
/// a busy machine thousands of them.
class ThreadsForOperations {
 public:
#ifdef _OPENMP
  explicit ThreadsForOperations(double operations) {
    if (operations >= 1e6 || omp_in_parallel()) return;
    before_ = omp_get_max_threads();
    omp_set_num_threads(1);
  }
  ~ThreadsForOperations() {
    if (before_ > 0) omp_set_num_threads(before_);
  }
#else
  explicit ThreadsForOperations(double) {}
  // Not the compiler's: an object of this class is not an unused variable.
  ~ThreadsForOperations() {}
#endif
  ThreadsForOperations(const ThreadsForOperations&) = delete;
  ThreadsForOperations& operator=(const ThreadsForOperations&) = delete;

#ifdef _OPENMP
 private:
  int before_ = 0;
#endif
};

/// Elements below which starting threads costs more than it brings, for element-wise loops.
const std::ptrdiff_t kElementwiseGrain = 16384;

/// Applies op(i) to every i in [0, n).
template <typename Op>
void ParallelElements(std::ptrdiff_t n, const Op& op) {
  ParallelFor(n, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t i = begin; i < end; ++i) op(i);
  });
}

}  // namespace caffe

#endif  // CAFFE_UTIL_PARALLEL_FOR_HPP_
