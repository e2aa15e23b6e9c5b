#ifndef CAFFE_UTIL_PARALLEL_SUM_HPP_
#define CAFFE_UTIL_PARALLEL_SUM_HPP_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "caffe/util/parallel_for.hpp"

namespace caffe {

/// Sum of term(i) over i in [0, n), on several threads.
///
/// Sums of fixed pieces are added in order, so the result does not depend on the number of threads.
/// Exceptions must not leave term.
template <typename Dtype, typename Term>
Dtype ParallelSum(std::ptrdiff_t n, const Term& term) {
  const std::ptrdiff_t kPiece = 4096;
  const auto piece_sum = [&](std::ptrdiff_t piece) {
    const std::ptrdiff_t end = std::min(n, (piece + 1) * kPiece);
    Dtype sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::ptrdiff_t i = piece * kPiece; i < end; ++i) sum += term(i);
    return sum;
  };
  if (n <= kPiece) return piece_sum(0);
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

#endif  // CAFFE_UTIL_PARALLEL_SUM_HPP_
