// How the fastest of several ways to compute the same thing is found.

#ifdef USE_CUDNN

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include <gtest/gtest.h>

#include "cudnn/trials.hpp"

#if __has_include(<host_waits.hpp>)
#include <device_queue.hpp>
#include <host_waits.hpp>
#include <refusals.hpp>
#define IS_EMULATED
#endif

namespace caffe_test {
namespace {

using caffe::cudnn::BestOf;
using caffe::cudnn::Cost;
using caffe::cudnn::Measure;
using caffe::cudnn::Trials;

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

TEST(Trials, TakeNoneThatCannotDoItTwice) {
  int runs = 0;
  EXPECT_EQ(Measure([&] { return ++runs < 3; }, kNever), kNever);
  EXPECT_EQ(runs, 3);
}

TEST(Trials, TakeTheFirstWayWhereBitsCount) {
  setenv("CAFFE_DETERMINISTIC", "1", 1);
  Trials<int> trials("a product");
  int runs = 0;
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) {
    EXPECT_TRUE(trials.HasRoom({size_t(1) << 50})) << "what is free must not decide";
  }
  EXPECT_FALSE(trials.Try(1, "cannot", {}, [] { return false; }));
  EXPECT_TRUE(trials.Try(2, "can", {}, [] { return true; }));
  EXPECT_FALSE(trials.Try(3, "can, too", {}, [&] { return ++runs > 0; }));
  EXPECT_EQ(runs, 0);
  ASSERT_TRUE(trials.End());
  EXPECT_EQ(*trials.End(), 2);
  unsetenv("CAFFE_DETERMINISTIC");
}

#ifdef IS_EMULATED

/// Queues work that takes the emulated device some time.
bool Work(int milliseconds) {
  return emulated_cuda::Queue(caffe::ThreadStream(), [=] {
           emulated_cuda::Spend(std::chrono::milliseconds(milliseconds));
         }) == cudaSuccess;
}

TEST(Trials, DoNotCountWhatIsLoaded) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's queue";
  Trials<int> trials("a product");
  EXPECT_TRUE(trials.Try(1, "slow", {}, [] { return Work(5); }));
  bool loaded = false;
  EXPECT_TRUE(
      trials.Try(2, "fast", {}, [&] { return Work(std::exchange(loaded, true) ? 1 : 150); }));
  EXPECT_EQ(*trials.End(), 2);
}

TEST(Trials, GiveBackWhatOtherWaysNeeded) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about a GPU's memory";
  caffe::SyncedMemory memory(8);
  memory.mutable_gpu_data();
  CUDA_CHECK(cudaDeviceSynchronize());
  const caffe::cudnn::TemporaryMemory workspace = {8 * kMiB, 0}, weights = {0, 4 * kMiB};
  for (const bool can : {false, true}) {
    emulated_cuda::LeaveDeviceMemory(10 * kMiB);
    Trials<int> trials("a product");
    EXPECT_TRUE(trials.HasRoom(workspace));
    trials.Try(1, "an algorithm", workspace, [=] { return can && Work(2); });
    EXPECT_TRUE(trials.HasRoom(weights));
    EXPECT_TRUE(trials.Try(2, "an engine", weights, [] { return Work(1); }));
    EXPECT_FALSE(trials.HasRoom({12 * kMiB, 0}));
    EXPECT_EQ(*trials.End(), 2);
  }
  emulated_cuda::LeaveAllDeviceMemory();
}

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
  EXPECT_EQ(waits[0], waits[1]) << "the first run that counts is queued behind another one";
  EXPECT_LT(waits[1], waits[2]) << "it is waited for: the way may be too slow";
}

#endif

}  // namespace
}  // namespace caffe_test

#endif  // USE_CUDNN
