#ifndef CPU_ONLY

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/device_memory.hpp"
#include "core/outermost_run.hpp"

#if __has_include(<refusals.hpp>)
#include <host_waits.hpp>
#include <refusals.hpp>
#define IS_EMULATED
#endif

namespace caffe {
namespace {

const size_t kMiB = size_t(1) << 20;

class DeviceMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "no GPU: set CAFFE_TEST_GPU";
  }

  // In a thread of its own, which no run before has left a slab.
  template <typename Body>
  static void InNewThread(const Body& body) {
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    std::thread([&] {
      CUDA_CHECK(cudaSetDevice(device));
      Caffe::set_mode(Caffe::GPU);
      body();
    }).join();
  }

  static char* Take(size_t size) {
    int device = 0;
    return static_cast<char*>(TakeDeviceMemory(size, ThreadStream(), &device));
  }
  static void GiveBack(void* memory) {
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    GiveBackDeviceMemory(memory, device);
  }

  // A run that takes pieces of these sizes, and gives them back.
  static std::vector<char*> Run(const std::vector<size_t>& sizes) {
    const OutermostRun run;
    std::vector<char*> pieces;
    for (const size_t size : sizes) pieces.push_back(Take(size));
    for (char* piece : pieces) GiveBack(piece);
    return pieces;
  }

  // A slab of what this run takes at most at a time has no gap for its last piece.
  static std::vector<char*> RunWithGaps() {
    const OutermostRun run;
    char* first = Take(50 * kMiB);
    char* second = Take(30 * kMiB);
    GiveBack(first);
    char* last = Take(54 * kMiB);
    GiveBack(second);
    GiveBack(last);
    return {first, second, last};
  }
};

TEST_F(DeviceMemory, OfARunIsOneSlabFromTheNextOn) {
  InNewThread([] {
    Run({40 * kMiB, 20 * kMiB});
    const auto second = Run({40 * kMiB, 20 * kMiB});
    EXPECT_EQ(second[0] + 40 * kMiB, second[1]);
    // Pieces of other sizes share it.
    const auto third = Run({20 * kMiB, 20 * kMiB, 20 * kMiB});
    for (char* piece : third) EXPECT_EQ(0, (piece - second[0]) % ptrdiff_t(20 * kMiB));
  });
}

TEST_F(DeviceMemory, ASlabThatWasTooSmallIsReplaced) {
  InNewThread([] {
    Run({40 * kMiB});
    Run({40 * kMiB});
    Run({40 * kMiB, 80 * kMiB});
    const auto pieces = Run({40 * kMiB, 80 * kMiB});
    EXPECT_EQ(pieces[0] + 40 * kMiB, pieces[1]);
  });
}

TEST_F(DeviceMemory, ASlabLearnsOfItsGaps) {
  InNewThread([] {
    std::vector<char*> pieces;
    for (int i = 0; i < 4; ++i) pieces = RunWithGaps();
    EXPECT_EQ(pieces[1], pieces[0] + 50 * kMiB);
    EXPECT_EQ(pieces[2], pieces[1] + 30 * kMiB) << "the last piece lies in the slab, too";
#ifdef IS_EMULATED
    const int before = emulated_cuda::HostWaits();
    RunWithGaps();
    EXPECT_EQ(emulated_cuda::HostWaits(), before) << "another slab was made";
#endif
  });
}

#ifdef IS_EMULATED

// In a process of its own, which has no pools yet.
TEST_F(DeviceMemory, IsNotToBeHadWithoutPools) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto take = [] {
    emulated_cuda::MayHavePools(false);
    Take(1);
  };
  EXPECT_DEATH(take(), "GPU . has no memory pools");
}

TEST_F(DeviceMemory, ThatAPassHasGivenBackIsThereToBeKept) {
  InNewThread([] {
    CUDA_CHECK(cudaDeviceSynchronize());
    emulated_cuda::LeaveDeviceMemory(60 * kMiB);
    Run({40 * kMiB});
    char* kept = nullptr;
    EXPECT_NO_THROW(kept = Take(50 * kMiB));
    if (kept) GiveBack(kept);
    emulated_cuda::LeaveAllDeviceMemory();
  });
}

TEST_F(DeviceMemory, WithoutRoomForALargerSlabIsThatOfBefore) {
  InNewThread([] {
    for (int i = 0; i < 2; ++i) RunWithGaps();
    // What other threads have given back is no longer taken then.
    CUDA_CHECK(cudaDeviceSynchronize());
    emulated_cuda::LeaveDeviceMemory(40 * kMiB);
    const auto pieces = Run({50 * kMiB, 30 * kMiB});
    EXPECT_EQ(pieces[1], pieces[0] + 50 * kMiB);
    emulated_cuda::LeaveAllDeviceMemory();
  });
}

#endif

TEST_F(DeviceMemory, WhatIsKeptDoesNotStandInTheWay) {
  InNewThread([] {
    char* kept = Take(64 * kMiB);
    Run({40 * kMiB, 20 * kMiB});
    const auto pieces = Run({40 * kMiB, 20 * kMiB});
    EXPECT_EQ(pieces[0] + 40 * kMiB, pieces[1]);
    GiveBack(kept);
  });
}

TEST_F(DeviceMemory, OutlivesItsThread) {
  char* piece = nullptr;
  InNewThread([&] {
    Run({40 * kMiB});
    const OutermostRun run;
    piece = Take(40 * kMiB);
  });
  CUDA_CHECK(cudaMemsetAsync(piece, 0, 40 * kMiB, ThreadStream()));
  GiveBack(piece);
}

TEST_F(DeviceMemory, OfAnotherThreadIsGivenBackWhenItsWorkIsDone) {
  InNewThread([] {
    Run({40 * kMiB});
    const OutermostRun run;
    char* piece = Take(40 * kMiB);
    CUDA_CHECK(cudaMemsetAsync(piece, 1, 40 * kMiB, ThreadStream()));
    CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
    InNewThread([&] {
      CUDA_CHECK(cudaMemsetAsync(piece, 2, 40 * kMiB, ThreadStream()));
      GiveBack(piece);
    });
    char* again = Take(40 * kMiB);
    ASSERT_EQ(piece, again);
    char value = 0;
    CUDA_CHECK(cudaMemcpyAsync(&value, again, 1, cudaMemcpyDeviceToHost, ThreadStream()));
    CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
    EXPECT_EQ(2, value);
    GiveBack(again);
  });
}

}  // namespace
}  // namespace caffe

#endif  // CPU_ONLY
