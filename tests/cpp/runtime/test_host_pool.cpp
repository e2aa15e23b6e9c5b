#include <cstring>

#include <gtest/gtest.h>
#include <unistd.h>

#include "caffe/syncedmem.hpp"
#include "core/host_pool.hpp"

namespace caffe_test {
namespace {

const size_t kLarge = size_t(1) << 20;

TEST(HostPool, UsesAgainWhatWasGivenBack) {
  caffe::HostPool pool(64 * kLarge);
  if (!pool.Take(kLarge)) GTEST_SKIP() << "the process has a limit on its addresses";
  void* first = pool.Take(3 * kLarge);
  void* behind = pool.Take(kLarge);
  EXPECT_TRUE(pool.GiveBack(first));
  void* left = pool.Take(kLarge);
  void* right = pool.Take(2 * kLarge);
  EXPECT_EQ(left, first);
  EXPECT_EQ(right, static_cast<char*>(first) + kLarge);
  EXPECT_TRUE(pool.GiveBack(left));
  EXPECT_TRUE(pool.GiveBack(right));
  // The two pieces are one again.
  EXPECT_EQ(pool.Take(3 * kLarge), first);
  EXPECT_TRUE(pool.GiveBack(behind));
  EXPECT_EQ(pool.Take(5 * kLarge), behind) << "the last gap grows";
  pool.Trim();
}

TEST(HostPool, HasNoRoomBeyondItsCapacityAndKnowsItsOwn) {
  caffe::HostPool pool(4 * kLarge);
  EXPECT_EQ(pool.Take(5 * kLarge), nullptr);
  int elsewhere = 0;
  EXPECT_FALSE(pool.GiveBack(&elsewhere));
}

TEST(HostPool, PiecesShareNoPage) {
  caffe::HostPool pool(4 * kLarge);
  const auto first = static_cast<char*>(pool.Take(1)), next = static_cast<char*>(pool.Take(1));
  if (!first) GTEST_SKIP() << "the process has a limit on its addresses";
  EXPECT_EQ((next - first) % sysconf(_SC_PAGESIZE), 0);
}

TEST(HostMemory, PiecesDoNotOverlap) {
  bool pinned = false;
  const auto take = [&](size_t bytes) {
    void* memory = nullptr;
    caffe::CaffeMallocHost(&memory, bytes, &pinned);
    return static_cast<unsigned char*>(memory);
  };
  std::vector<unsigned char*> pieces;
  for (int i = 0; i < 64; ++i) {
    const size_t bytes = kLarge / 8 * (1 + i * 7 % 11);
    pieces.push_back(take(bytes));
    std::memset(pieces.back(), i, bytes);
    if (i % 3 == 2) {
      caffe::CaffeFreeHost(pieces[i - 1], pinned);
      pieces[i - 1] = nullptr;
    }
  }
  for (int i = 0; i < 64; ++i) {
    if (!pieces[i]) continue;
    const size_t bytes = kLarge / 8 * (1 + i * 7 % 11);
    EXPECT_EQ(pieces[i][0], i);
    EXPECT_EQ(std::memcmp(pieces[i], pieces[i] + 1, bytes - 1), 0) << i;
    caffe::CaffeFreeHost(pieces[i], pinned);
  }
}

TEST(SyncedMemory, RefusesReleasedContentsUntilTheyAreRenewed) {
  caffe::SyncedMemory memory(sizeof(float));
  *static_cast<float*>(memory.mutable_cpu_data()) = 7;
  memory.Release();
  EXPECT_THROW(memory.cpu_data(), caffe::Error);
  EXPECT_THROW(memory.mutable_cpu_data(), caffe::Error);
  memory.Renew();
  EXPECT_EQ(*static_cast<const float*>(memory.cpu_data()), 0);
}

TEST(SyncedMemory, KeepsWhatSomebodyLooksAt) {
  caffe::SyncedMemory memory(sizeof(float));
  float* value = static_cast<float*>(memory.mutable_cpu_data());
  *value = 7;
  std::shared_ptr<void> view = memory.ViewCpuData();
  memory.Release();
  EXPECT_EQ(memory.cpu_data(), value);
  EXPECT_EQ(view.get(), value);
  EXPECT_EQ(*value, 7);
  view.reset();
  memory.Release();
  EXPECT_THROW(memory.cpu_data(), caffe::Error);
}

TEST(SyncedMemory, ShowsNoMemoryThatIsOnlyLent) {
  caffe::SyncedMemory memory(sizeof(float));
  std::vector<float> lent{7}, next{8};
  memory.set_cpu_data(lent.data());
  const std::shared_ptr<void> view = memory.ViewCpuData();
  EXPECT_NE(view.get(), lent.data());
  EXPECT_EQ(view.get(), memory.cpu_data());
  memory.set_cpu_data(next.data());
  EXPECT_EQ(memory.cpu_data(), next.data());
  EXPECT_EQ(*static_cast<float*>(view.get()), 7);
}

TEST(SyncedMemory, KeepsTheOwnerOfWhatIsLentAsLongAsItIsUsed) {
  const caffe::shared_ptr<void> one(caffe::shared_ptr<float>(new float(1)));
  const caffe::shared_ptr<void> two(caffe::shared_ptr<float>(new float(2)));
  {
    caffe::SyncedMemory memory(sizeof(float));
    memory.set_cpu_data(one.get(), one);
    EXPECT_EQ(one.use_count(), 2);
    memory.set_cpu_data(two.get(), two);
    EXPECT_EQ(one.use_count(), 1);
    EXPECT_EQ(two.use_count(), 2);
    const std::shared_ptr<void> view = memory.ViewCpuData();
    EXPECT_EQ(*static_cast<float*>(view.get()), 2);
    EXPECT_EQ(two.use_count(), 1);
    memory.set_cpu_data(one.get(), one);
  }
  EXPECT_EQ(one.use_count(), 1);
}

}  // namespace
}  // namespace caffe_test
