#ifndef CAFFE_SRC_UTIL_PARALLEL_SUM_HPP_
#define CAFFE_SRC_UTIL_PARALLEL_SUM_HPP_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "caffe/util/parallel_for.hpp"
#include "util/simd.hpp"

namespace caffe {

/// Sum of term(i) over i in [first, last), on one thread: as Dtype, 256 at a time in 16 sums side
/// by side, and of these in double.
///
/// Relative error where all terms have one sign: at most 20 roundings of Dtype, 1.2e-6 for float.
template <typename Dtype, typename Term>
static CAFFE_SIMD_CLONES double SumOf(std::ptrdiff_t first, std::ptrdiff_t last, const Term& term) {
  constexpr int kSums = 16, kTerms = 16;
  double total = 0;
  for (; last - first >= kSums * kTerms; first += kSums * kTerms) {
    Dtype sums[kSums] = {};
    for (int i = 0; i < kTerms; ++i) {
#pragma omp simd
      for (int j = 0; j < kSums; ++j) sums[j] += term(first + i * kSums + j);
    }
    for (int half = kSums / 2; half > 0; half /= 2) {
      for (int j = 0; j < half; ++j) sums[j] += sums[j + half];
    }
    total += sums[0];
  }
  for (; first < last; ++first) total += term(first);
  return total;
}

/// Sum of term(i) over i in [0, n), on several threads; as accurate as SumOf.
///
/// Sums of fixed pieces are added in order, so the result does not depend on the number of threads.
/// Exceptions must not leave term.
template <typename Dtype, typename Term>
Dtype ParallelSum(std::ptrdiff_t n, const Term& term) {
  const std::ptrdiff_t kPiece = 4096;
  const auto piece_sum = [&](std::ptrdiff_t piece) {
    return SumOf<Dtype>(piece * kPiece, std::min(n, (piece + 1) * kPiece), term);
  };
  if (n <= kPiece) return static_cast<Dtype>(piece_sum(0));
  std::vector<double> partial((n + kPiece - 1) / kPiece);
  ParallelFor(partial.size(), kElementwiseGrain / kPiece,
              [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                for (std::ptrdiff_t piece = first; piece < last; ++piece) {
                  partial[piece] = piece_sum(piece);
                }
              });
  double total = 0;
  for (const double sum : partial) total += sum;
  return static_cast<Dtype>(total);
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_PARALLEL_SUM_HPP_
