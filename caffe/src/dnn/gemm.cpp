#include "dnn/gemm.hpp"

#include <cstdint>

#include <dnnl.h>

namespace caffe {
namespace dnn {

namespace {

// Smaller products take less time than the call.
const int64_t kSmallest = 1 << 12;
// With fewer rows, putting a transposed factor in order takes longer than the product.
const int kFewRows = 256;

}  // namespace

bool Gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float* a,
          int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  if (int64_t(m) * n * k < kSmallest || (transpose_b && m < kFewRows)) return false;
  return dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b,
                    ldb, beta, c, ldc) == dnnl_success;
}

}  // namespace dnn
}  // namespace caffe
