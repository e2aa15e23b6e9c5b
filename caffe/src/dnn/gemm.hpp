#ifndef CAFFE_SRC_DNN_GEMM_HPP_
#define CAFFE_SRC_DNN_GEMM_HPP_

#include "util/bfloat16.hpp"

namespace caffe {
namespace dnn {

/// C = alpha op(A) op(B) + beta C of floats in rows, M x N, op(A) M x K; lda, ldb, ldc: from row to
/// row. False, and nothing is done, where BLAS is the better choice.
///
/// A BLAS picks its kernels by processor, and one it does not know yet gets those of an old one
/// (OpenBLAS 0.3.21 on Zen 5: half the speed); oneDNN goes by what instructions there are.
bool Gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float* a,
          int lda, const float* b, int ldb, float beta, float* c, int ldc);

/// C = op(A) op(B) + beta C of matrices without gaps between their rows, the factors rounded to
/// bfloat16 and beta 0 or 1. False, and nothing is done, where this is not faster than in float.
bool RoundedGemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a,
                 const float* b, float beta, float* c);

/// C = A B of n x n bfloat16 numbers in rows, sums in float; for processors where HasBfloat16().
void Multiply(int n, const BFloat16* a, const BFloat16* b, BFloat16* c);

#ifndef USE_ONEDNN
inline void Multiply(int, const BFloat16*, const BFloat16*, BFloat16*) {}
inline bool Gemm(bool, bool, int, int, int, float, const float*, int, const float*, int, float,
                 float*, int) {
  return false;
}
inline bool RoundedGemm(bool, bool, int, int, int, const float*, const float*, float, float*) {
  return false;
}
#endif

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_GEMM_HPP_
