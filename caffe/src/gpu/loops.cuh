#ifndef CAFFE_SRC_GPU_LOOPS_CUH_
#define CAFFE_SRC_GPU_LOOPS_CUH_

/// The two kernels that nearly all GPU code consists of: a function for each element, and sums over
/// rows of elements. For .cu files; what they run are functors whose pointers are on the device.

#include <algorithm>
#include <cstddef>

#include "caffe/common.hpp"
#include "caffe/util/host_device.hpp"
#include "gpu/scratch.hpp"

/// Before a loop in a kernel: n passes side by side, so that their reads are on the way together.
#ifdef __CUDACC__
#define CAFFE_UNROLL(n) CAFFE_PRAGMA(unroll n)
#define CAFFE_PRAGMA(text) _Pragma(#text)
#else
#define CAFFE_UNROLL(n)
#endif

namespace caffe {

/// Starts a kernel; throws Error where it cannot be started.
template <typename... Expected, typename... Actual>
void Launch(void (*kernel)(Expected...), std::ptrdiff_t blocks, int threads,
            const Actual&... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(threads);
  config.stream = ThreadStream();
  CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, arguments...));
}

// ---- each element ----

template <typename Op>
__global__ void ElementsKernel(std::ptrdiff_t n, const Op op) {
  const std::ptrdiff_t step = std::ptrdiff_t(gridDim.x) * blockDim.x;
  std::ptrdiff_t i = std::ptrdiff_t(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i < n; i += step) op(static_cast<int>(i));
}

/// Runs op(i) for every i in [0, n), n < 2^31.
template <typename Op>
void ForElements(std::ptrdiff_t n, const Op& op) {
  if (n <= 0) return;
  const int threads = 256;
  Launch(ElementsKernel<Op>, (n + threads - 1) / threads, threads, n, op);
}

// ---- sums ----

/// Threads that add up one piece of a row; a power of two, since sums are folded in halves.
constexpr int kSumThreads = 256;
/// Elements from which on a row is cut into pieces, and the most pieces of a row. They do not
/// depend on the GPU, so that sums do not either.
constexpr int kSumPiece = 8192;
constexpr int kMostPieces = 512;
/// The same where an element is as much work as the classes of a pixel: smaller pieces keep a large
/// GPU busy.
constexpr int kSumPieceOfSlowTerms = 1024;
/// Rows up to this length are left to one thread each.
constexpr int kShortRow = 16;

/// The sum of the block's values, for its first thread; once a kernel. The order of additions is
/// fixed.
template <typename Sum>
__device__ Sum SumOfBlock(const Sum& value) {
  __shared__ Sum lane[kSumThreads];
  lane[threadIdx.x] = value;
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) lane[threadIdx.x] += lane[threadIdx.x + half];
  }
  // Of its own: what the first thread writes last, nobody else reads.
  return lane[threadIdx.x];
}

/// Block b adds up piece b % pieces of row b / pieces; store(b, sum).
template <typename Sum, typename Term, typename Store>
__global__ void SumPiecesKernel(int length, int pieces, const Term term, const Store store) {
  const int row = blockIdx.x / pieces;
  const std::ptrdiff_t piece = blockIdx.x % pieces;
  const int begin = static_cast<int>(piece * length / pieces);
  const int end = static_cast<int>((piece + 1) * length / pieces);
  Sum sum{};
  for (std::ptrdiff_t i = std::ptrdiff_t(begin) + threadIdx.x; i < end; i += blockDim.x) {
    sum += term(row, static_cast<int>(i));
  }
  const Sum total = SumOfBlock(sum);
  if (threadIdx.x == 0) store(static_cast<int>(blockIdx.x), total);
}

/// A whole row in one thread.
template <typename Sum, typename Term, typename Store>
struct SumShortRow {
  int length;
  Term term;
  Store store;

  CAFFE_HOST_DEVICE void operator()(int row) const {
    Sum sum{};
    for (int i = 0; i < length; ++i) sum += term(row, i);
    store(row, sum);
  }
};

template <typename Sum>
struct StorePiece {
  Sum* sums;

  CAFFE_HOST_DEVICE void operator()(int b, const Sum& sum) const { sums[b] = sum; }
};

template <typename Sum>
struct PieceOfRow {
  const Sum* sums;
  int pieces;

  CAFFE_HOST_DEVICE Sum operator()(int row, int piece) const { return sums[row * pieces + piece]; }
};

/// For every row, store(row, term(row, 0) + ... + term(row, length - 1)), without a return to the
/// host. Sum{} must be zero; it needs += and no constructor. Equal inputs give equal bits.
template <typename Sum = double, typename Term, typename Store>
void SumRows(int rows, int length, const Term& term, const Store& store, int piece = kSumPiece) {
  if (rows <= 0) return;
  if (length <= kShortRow) {
    ForElements(rows, SumShortRow<Sum, Term, Store>{length, term, store});
    return;
  }
  // Nothing is added to a length: it may be near 2^31.
  const int pieces = std::min(kMostPieces, (length - 1) / piece + 1);
  if (pieces == 1) {
    Launch(SumPiecesKernel<Sum, Term, Store>, rows, kSumThreads, length, 1, term, store);
    return;
  }
  const std::ptrdiff_t blocks = std::ptrdiff_t(rows) * pieces;
  Sum* sums = static_cast<Sum*>(DeviceScratch(Scratch::kSums, blocks * sizeof(Sum)));
  Launch(SumPiecesKernel<Sum, Term, StorePiece<Sum>>, blocks, kSumThreads, length, pieces, term,
         StorePiece<Sum>{sums});
  Launch(SumPiecesKernel<Sum, PieceOfRow<Sum>, Store>, rows, kSumThreads, pieces, 1,
         PieceOfRow<Sum>{sums, pieces}, store);
}

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_LOOPS_CUH_
