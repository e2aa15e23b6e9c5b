// Processes that fork while another thread works, as a data layer that reads ahead.

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/host_pool.hpp"

namespace caffe_test {
namespace {

using caffe::HostPool;

const size_t kSize = HostPool::kSmallest;

// Whether a forked process takes memory of the pool; one that waits for ever is ended.
bool ForkedProcessTakesMemory() {
  const pid_t child = fork();
  if (child == 0) {
    HostPool::Get().Take(kSize);
    _exit(0);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return false;
    }
    usleep(100);
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
