#if __has_include(<pinned_memory.hpp>)

#include <gtest/gtest.h>
#include <pinned_memory.hpp>

#include "caffe/syncedmem.hpp"
#include "core/pinned_pool.hpp"

namespace caffe {
namespace {

const size_t kLarge = size_t(1) << 20;

// As a blob between a layer with code for the GPU and one without.
void PassOn(SyncedMemory* memory) {
  memory->mutable_gpu_data();
  memory->cpu_data();
  memory->Release();
  memory->Renew();
}

TEST(PinnedPool, BlobsThatComeAndGoPinTheirMemoryOnce) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's memory";
  SyncedMemory large(kLarge), small(kLarge / 3);
  PassOn(&large);
  PassOn(&small);
  const int pinned = emulated_cuda::PiecesPinned();
  for (int iteration = 0; iteration < 3; ++iteration) {
    PassOn(&large);
    PassOn(&small);
  }
  EXPECT_EQ(emulated_cuda::PiecesPinned(), pinned);
}

TEST(PinnedPool, KeepsTwiceOfWhatWasTakenAtATimeUntilItIsTrimmed) {
  PinnedPool pool;
  const size_t before = emulated_cuda::BytesPinned();
  for (const size_t size : {16 * kLarge, 17 * kLarge, 18 * kLarge, 19 * kLarge, 20 * kLarge}) {
    pool.GiveBack(pool.Take(size));
    EXPECT_LE(emulated_cuda::BytesPinned() - before, 2 * size);
  }
  EXPECT_GE(emulated_cuda::BytesPinned() - before, 20 * kLarge);
  void* taken = pool.Take(20 * kLarge);
  void* another = pool.Take(20 * kLarge);
  EXPECT_NE(taken, another);
  pool.GiveBack(another);
  pool.Trim();
  EXPECT_EQ(emulated_cuda::BytesPinned() - before, 20 * kLarge);
  pool.GiveBack(taken);
  pool.Trim();
  EXPECT_EQ(emulated_cuda::BytesPinned(), before);
}

TEST(PinnedPool, ASmallPieceDoesNotTakeALargeOne) {
  PinnedPool pool;
  void* large = pool.Take(kLarge);
  pool.GiveBack(large);
  void* small = pool.Take(16);
  EXPECT_NE(small, large);
  EXPECT_EQ(pool.Take(kLarge / 2), large);
  pool.GiveBack(small);
  pool.GiveBack(large);
  pool.Trim();
}

}  // namespace
}  // namespace caffe

#endif
