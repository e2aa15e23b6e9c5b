#include "caffe/util/peak_rates.hpp"

#include <algorithm>

#include "caffe/syncedmem.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/math_functions.hpp"
#include "core/channel_layout.hpp"
#include "dnn/gemm.hpp"
#include "dnn/precision.hpp"
#include "util/copy_elements.hpp"
#ifndef CPU_ONLY
#include "core/cublas.hpp"
#include "core/device_pool.hpp"
#endif

namespace caffe {

namespace {

const int kRuns = 4;
const double kEnoughMilliseconds = 1;
const int kSmallest = 512, kLargest = 8192;
const size_t kCopied = size_t(128) << 20;

bool OnGpu() { return Caffe::mode() == Caffe::GPU; }

/// The shortest of some runs, the first of which do not count where they prepare something.
template <typename Work>
double Milliseconds(const Work& work) {
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    Timer timer;
    timer.Start();
    work();
    const double took = timer.MicroSeconds() / 1e3;
    best = run == 0 ? took : std::min(best, took);
  }
  return best;
}

/// Numbers as they are in nets: a processor that multiplies zeros may be faster.
template <typename T>
void FillAs(int count, void* memory) {
  T* values = static_cast<T*>(memory);
  uint32_t state = 1;
  for (int i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
}

void Fill(Element element, int count, void* memory) {
  if (element == Element::kBFloat16) {
    FillAs<BFloat16>(count, memory);
  } else if (element == Element::kFloat16) {
    FillAs<Float16>(count, memory);
  } else {
    FillAs<float>(count, memory);
  }
}

/// Square matrices, and their product.
struct Matrices {
  Matrices(int n, Precision precision)
      : n(n),
        precision(precision),
        element(dnn::MultipliedAs(precision)),
        a(size_t(n) * n * BytesOf(element)),
        b(a.size()),
        c(a.size()) {
    Fill(element, n * n, a.mutable_cpu_data());
    Fill(element, n * n, b.mutable_cpu_data());
  }

  void Multiply() {
    if (OnGpu()) {
      MultiplyOnGpu();
    } else if (element == Element::kBFloat16) {
      dnn::Multiply(n, static_cast<const BFloat16*>(a.cpu_data()),
                    static_cast<const BFloat16*>(b.cpu_data()),
                    static_cast<BFloat16*>(c.mutable_cpu_data()));
    } else {
      caffe_cpu_gemm<float>(
          CblasNoTrans, CblasNoTrans, n, n, n, 1, static_cast<const float*>(a.cpu_data()),
          static_cast<const float*>(b.cpu_data()), 0, static_cast<float*>(c.mutable_cpu_data()));
    }
  }

  void MultiplyOnGpu() {
#ifndef CPU_ONLY
    const float one = 1, zero = 0;
    const auto type = element == Element::kBFloat16  ? CUDA_R_16BF
                      : element == Element::kFloat16 ? CUDA_R_16F
                                                     : CUDA_R_32F;
    const auto sums = precision == TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    CUBLAS_CHECK(cublas::gemm_ex(Caffe::cublas_handle(), CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one,
                                 a.gpu_data(), type, n, b.gpu_data(), type, n, &zero,
                                 c.mutable_gpu_data(), type, n, sums, CUBLAS_GEMM_DEFAULT));
#endif
  }

  const int n;
  const Precision precision;
  const Element element;
  SyncedMemory a, b, c;
};

}  // namespace

double MatrixProductRate(Precision precision) {
  double rate = 0;
  for (int n = kSmallest; n <= kLargest; n *= 2) {
    Matrices matrices(n, precision);
    const double took = Milliseconds([&] { matrices.Multiply(); });
    rate = 2.0 * n * n * n / (took * 1e6);
    if (took >= kEnoughMilliseconds) break;
  }
  return rate;
}

double CopyRate() {
  SyncedMemory from(kCopied), to(kCopied);
  const double took = Milliseconds([&] {
    if (OnGpu()) {
#ifndef CPU_ONLY
      CUDA_CHECK(cudaMemcpyAsync(to.mutable_gpu_data(), from.gpu_data(), kCopied,
                                 cudaMemcpyDeviceToDevice, ThreadStream()));
#endif
    } else {
      CopyElements(kCopied, static_cast<const char*>(from.cpu_data()),
                   static_cast<char*>(to.mutable_cpu_data()));
    }
  });
  return 2.0 * kCopied / (took * 1e6);
}

size_t BytesOfValue(Precision precision) { return BytesOf(dnn::MultipliedAs(precision)); }

size_t PeakDeviceMemory() {
#ifndef CPU_ONLY
  if (OnGpu()) return MostDeviceMemory();
#endif
  return 0;
}

}  // namespace caffe
