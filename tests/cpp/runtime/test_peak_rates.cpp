// What `caffe time` measures layers by.

#include <gtest/gtest.h>

#include "caffe/common.hpp"
#include "caffe/syncedmem.hpp"
#include "caffe/util/peak_rates.hpp"
#include "dnn/gemm.hpp"
#include "dnn/precision.hpp"

namespace caffe_test {
namespace {

using caffe::BFloat16;
using caffe::Caffe;

TEST(PeakRates, AreKnownForEveryPrecision) {
  for (const auto precision : {caffe::FP32, caffe::TF32, caffe::BF16, caffe::FP16}) {
    EXPECT_GT(caffe::MatrixProductRate(precision), 0) << caffe::Precision_Name(precision);
  }
  EXPECT_GT(caffe::CopyRate(), 0);
}

TEST(PeakRates, MultiplyBFloat16AsItIs) {
  if (!caffe::dnn::HasBfloat16()) GTEST_SKIP() << "this processor multiplies no bfloat16 numbers";
  const int n = 24;
  std::vector<BFloat16> a(n * n), b(n * n), c(n * n);
  for (int i = 0; i < n * n; ++i) {
    a[i] = static_cast<float>(i % 7 - 3);
    b[i] = static_cast<float>(i % 5 - 2);
  }
  caffe::dnn::Multiply(n, a.data(), b.data(), c.data());
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int k = 0; k < n; ++k) sum += float(a[i * n + k]) * float(b[k * n + j]);
      ASSERT_EQ(float(c[i * n + j]), float(BFloat16(sum))) << i << ", " << j;
    }
  }
}

TEST(PeakDeviceMemory, IsTheMostThatWasHeldAtOnce) {
  if (Caffe::mode() != Caffe::GPU) {
    EXPECT_EQ(caffe::PeakDeviceMemory(), 0u);
    return;
  }
#ifndef CPU_ONLY
  const size_t size = size_t(64) << 20;
  { caffe::SyncedMemory(size).mutable_gpu_data(); }
  // What is given back is there again when the stream has come so far.
  CUDA_CHECK(cudaStreamSynchronize(caffe::ThreadStream()));
  const size_t most = caffe::PeakDeviceMemory();
  EXPECT_GE(most, size);
  { caffe::SyncedMemory(size / 2).mutable_gpu_data(); }
  EXPECT_EQ(caffe::PeakDeviceMemory(), most);
  caffe::SyncedMemory larger(most + size);
  larger.mutable_gpu_data();
  EXPECT_GE(caffe::PeakDeviceMemory(), most + size);
#endif
}

}  // namespace
}  // namespace caffe_test
