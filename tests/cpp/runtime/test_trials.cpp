// How the fastest of several ways to compute the same thing is found.

#ifdef USE_CUDNN

#include <algorithm>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "cudnn/trials.hpp"

#if __has_include(<host_waits.hpp>)
#include <host_waits.hpp>
#define COUNTS_HOST_WAITS
#endif

namespace caffe_test {
namespace {

using caffe::cudnn::BestOf;
using caffe::cudnn::Cost;
using caffe::cudnn::Measure;

const float kNever = std::numeric_limits<float>::infinity();
const size_t kMiB = size_t(1) << 20;

/// Whether the way at `best` is taken in whichever order they are tried.
void ExpectBest(const std::vector<Cost>& costs, int best) {
  std::vector<int> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    std::vector<Cost> in_order;
    for (const int i : order) in_order.push_back(costs[i]);
    const int found = BestOf(in_order);
    ASSERT_GE(found, 0);
    EXPECT_EQ(order[found], best) << "the first one tried was " << order[0];
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Trials, TakeTheFastest) {
  ExpectBest({{9, 0}, {7, 100 * kMiB}, {8, 50 * kMiB}, {kNever, 0}}, 1);
  ExpectBest({{5, 0}}, 0);
}

TEST(Trials, WantMuchMemoryToBeWorthIt) {
  ExpectBest({{10, 2500 * kMiB}, {10.1f, 0}}, 1);
  ExpectBest({{10, 2500 * kMiB}, {11, 0}}, 0);
  ExpectBest({{10, 2500 * kMiB}, {10.2f, 600 * kMiB}, {10.4f, 100 * kMiB}, {11, 0}}, 2);
  // What is much slower does not say how much memory the others may need.
  ExpectBest({{10, 600 * kMiB}, {10.1f, 500 * kMiB}, {20, 0}}, 0);
}

TEST(Trials, TakeNoneThatCannotDoIt) {
  EXPECT_EQ(BestOf({}), -1);
  EXPECT_EQ(BestOf({{kNever, 0}, {kNever, 0}}), -1);
  EXPECT_EQ(BestOf({{kNever, 0}, {3, 700 * kMiB}, {3, 700 * kMiB}}), 1) << "the first of equals";
}

TEST(Trials, RunOnceWhatCannotDoIt) {
  int runs = 0;
  EXPECT_EQ(Measure([&] { return ++runs < 1; }, kNever), kNever);
  EXPECT_EQ(runs, 1);
}

#ifdef COUNTS_HOST_WAITS

TEST(Trials, MeasureBehindOtherWork) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's queue";
  caffe::SyncedMemory memory(8);
  void* const at = memory.mutable_gpu_data();
  std::vector<int> waits;
  const float time = Measure(
      [&] {
        waits.push_back(emulated_cuda::HostWaits());
        return cudaMemsetAsync(at, 0, 8, caffe::ThreadStream()) == cudaSuccess;
      },
      kNever);
  EXPECT_LT(time, kNever);
  ASSERT_EQ(waits.size(), 3u);
  EXPECT_LT(waits[0], waits[1]) << "the first run is waited for: it may be too slow";
  EXPECT_EQ(waits[1], waits[2]) << "the last run is queued behind another one";
}

#endif

}  // namespace
}  // namespace caffe_test

#endif  // USE_CUDNN
