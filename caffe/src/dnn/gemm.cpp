#include "dnn/gemm.hpp"

#include <algorithm>
#include <cstdint>

#include <dnnl.h>

#include "dnn/engine.hpp"
#include "dnn/precision.hpp"

namespace caffe {
namespace dnn {

using dnnl::memory;

namespace {

// Smaller products take less time than the call.
const int64_t kSmallest = 1 << 12;
// With so many rows, columns and terms of a sum, kernels made for the very shape are faster.
const int kLarge = 256;

bool IsLarge(int m, int n, int k) { return std::min({m, n, k}) >= kLarge; }

// Who computes a product: BLAS, oneDNN's function like BLAS's, or its kernels for the very shape.
// `plain`: nothing is multiplied by a number, which is all that those can do.
enum class Way { kBlas, kSgemm, kKernels };

// Rows times a transposed factor: an InnerProduct's features. dnnl_sgemm takes the factor as it
// stands while the rows are very few, in a tenth to a half of BLAS's time; for more it puts it in
// order first, which takes longer than the product. BLAS is fast where one thread is enough for it.
Way WayOfFewRows(int m, int64_t multiplications, bool plain) {
  const int kVeryFew = 16;
  if (m < kVeryFew) return multiplications < (1 << 18) ? Way::kBlas : Way::kSgemm;
  return multiplications < (1 << 20) || !plain ? Way::kBlas : Way::kKernels;
}

Way WayOf(bool transpose_b, int m, int n, int k, bool plain) {
  const int64_t multiplications = int64_t(m) * n * k;
  if (multiplications < kSmallest || !IsUsable()) return Way::kBlas;
  if (transpose_b && m < kLarge) return WayOfFewRows(m, multiplications, plain);
  return plain && IsLarge(m, n, k) ? Way::kKernels : Way::kSgemm;
}

// A factor op(M) of `rows` rows; `step` is from one row of M to the next.
memory::desc Factor(bool transposed, memory::dim rows, memory::dim columns, memory::dim step,
                    memory::data_type type) {
  const memory::dims steps = transposed ? memory::dims{1, step} : memory::dims{step, 1};
  return memory::desc({rows, columns}, type, steps);
}

// C = A B, or C += A B.
void Product(const memory& a, const memory& b, const memory& c, bool add) {
  auto attributes = Attributes();
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.f);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::primitive_desc product(Engine(), a.get_desc(), b.get_desc(), c.get_desc(),
                                             attributes);
  Run(dnnl::matmul(product), product.scratchpad_desc(),
      {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
}

// The same matrix of bfloat16 numbers, in `buffer`.
memory Rounded(const memory::desc& factor, const float* values, HostBuffer* buffer) {
  const memory::dims steps = factor.get_strides();
  const memory::desc rounded(factor.get_dims(), memory::data_type::bf16, steps);
  *buffer = HostBuffer(rounded.get_size());
  const memory to = Wrap(rounded, buffer->get());
  Reorder(Wrap(factor, values), to);
  return to;
}

}  // namespace

bool Gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float* a,
          int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  const bool plain = alpha == 1 && (beta == 0 || beta == 1);
  const Way way = WayOf(transpose_b, m, n, k, plain);
  if (way == Way::kBlas) return false;
  if (way == Way::kSgemm) {
    return dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b,
                      ldb, beta, c, ldc) == dnnl_success;
  }
  const auto type = memory::data_type::f32;
  Product(Wrap(Factor(transpose_a, m, k, lda, type), a),
          Wrap(Factor(transpose_b, k, n, ldb, type), b), Wrap(Factor(false, m, n, ldc, type), c),
          beta == 1);
  return true;
}

bool RoundedGemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a,
                 const float* b, float beta, float* c) {
  if (!IsLarge(m, n, k) || !HasBfloat16()) return false;
  const auto type = memory::data_type::f32;
  HostBuffer left, right;
  Product(Rounded(Factor(transpose_a, m, k, transpose_a ? m : k, type), a, &left),
          Rounded(Factor(transpose_b, k, n, transpose_b ? k : n, type), b, &right),
          Wrap(Factor(false, m, n, n, type), c), beta == 1);
  return true;
}

void Multiply(int n, const BFloat16* a, const BFloat16* b, BFloat16* c) {
  const memory::desc matrix({n, n}, memory::data_type::bf16, memory::format_tag::ab);
  Product(Wrap(matrix, a), Wrap(matrix, b), Wrap(matrix, c), false);
}

}  // namespace dnn
}  // namespace caffe
