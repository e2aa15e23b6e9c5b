#include <cstring>

#include <gtest/gtest.h>

#include "caffe/syncedmem.hpp"

namespace caffe_test {
namespace {

const size_t kLarge = size_t(1) << 20;

void* Take(size_t bytes) {
  void* memory = nullptr;
  bool pinned = false;
  caffe::CaffeMallocHost(&memory, bytes, &pinned);
  return memory;
}

TEST(HostMemory, ThatWasGivenBackIsUsedAgain) {
  void* first = Take(3 * kLarge);
  caffe::CaffeFreeHost(first, false);
  void* left = Take(kLarge);
  void* right = Take(2 * kLarge);
  EXPECT_EQ(left, first);
  EXPECT_EQ(right, static_cast<char*>(first) + kLarge);
  caffe::CaffeFreeHost(left, false);
  caffe::CaffeFreeHost(right, false);
  // The two pieces are one again, in whichever order they came back.
  void* again = Take(3 * kLarge);
  EXPECT_EQ(again, first);
  caffe::CaffeFreeHost(again, false);
}

TEST(HostMemory, PiecesDoNotOverlap) {
  std::vector<unsigned char*> pieces;
  for (int i = 0; i < 64; ++i) {
    const size_t bytes = kLarge / 8 * (1 + i * 7 % 11);
    pieces.push_back(static_cast<unsigned char*>(Take(bytes)));
    std::memset(pieces.back(), i, bytes);
    if (i % 3 == 2) {
      caffe::CaffeFreeHost(pieces[i - 1], false);
      pieces[i - 1] = nullptr;
    }
  }
  for (int i = 0; i < 64; ++i) {
    if (!pieces[i]) continue;
    const size_t bytes = kLarge / 8 * (1 + i * 7 % 11);
    EXPECT_EQ(pieces[i][0], i);
    EXPECT_EQ(pieces[i][bytes - 1], i);
    EXPECT_EQ(std::memcmp(pieces[i], pieces[i] + 1, bytes - 1), 0) << i;
    caffe::CaffeFreeHost(pieces[i], false);
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
  memory.AddViewer();
  memory.Release();
  EXPECT_EQ(memory.cpu_data(), value);
  EXPECT_EQ(*value, 7);
  memory.RemoveViewer();
  memory.Release();
  EXPECT_THROW(memory.cpu_data(), caffe::Error);
}

}  // namespace
}  // namespace caffe_test
