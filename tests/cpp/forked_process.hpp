#ifndef TESTS_FORKED_PROCESS_HPP_
#define TESTS_FORKED_PROCESS_HPP_

#include <chrono>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace caffe_test {

/// Whether `act` is true in a forked process; one that waits for ever is ended.
template <typename Act>
bool InForkedProcess(const Act& act) {
  const pid_t child = fork();
  if (child == 0) _exit(act() ? 0 : 1);
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

}  // namespace caffe_test

#endif  // TESTS_FORKED_PROCESS_HPP_
