// Processes that fork while another thread works, as a data layer that reads ahead.

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "core/host_pool.hpp"
#include "forked_process.hpp"

namespace caffe_test {
namespace {

using caffe::HostPool;

const size_t kSize = HostPool::kSmallest;

bool ForkedProcessTakesMemory() {
  return caffe_test::InForkedProcess([] { return HostPool::Get().Take(kSize) != nullptr; });
}

TEST(Fork, WhileAnotherThreadTakesMemory) {
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop) {
      if (void* memory = HostPool::Get().Take(kSize)) HostPool::Get().GiveBack(memory);
    }
  });
  bool works = true;
  for (int i = 0; i < 200 && works; ++i) works = ForkedProcessTakesMemory();
  stop = true;
  worker.join();
  EXPECT_TRUE(works) << "the child waits for a thread that it does not have";
}

}  // namespace
}  // namespace caffe_test
