#include "dnn/gemm.hpp"

#include <cstdint>

#include <dnnl.h>

#include "dnn/engine.hpp"

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

void Multiply(int n, const BFloat16* a, const BFloat16* b, BFloat16* c) {
  using dnnl::memory;
  const memory::desc matrix({n, n}, memory::data_type::bf16, memory::format_tag::ab);
  const dnnl::matmul::primitive_desc product(Engine(), matrix, matrix, matrix, Attributes());
  Run(dnnl::matmul(product), product.scratchpad_desc(),
      {{DNNL_ARG_SRC, Wrap(matrix, a)},
       {DNNL_ARG_WEIGHTS, Wrap(matrix, b)},
       {DNNL_ARG_DST, Wrap(matrix, c)}});
}

}  // namespace dnn
}  // namespace caffe
