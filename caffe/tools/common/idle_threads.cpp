#include "common/idle_threads.hpp"

#include <cstdlib>

#include <unistd.h>

namespace caffe {
namespace tools {

void LetIdleThreadsSleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  // Rounds of a few nanoseconds: long enough for the end of a loop that is shared out evenly.
  setenv("GOMP_SPINCOUNT", "1000", 1);
  execv("/proc/self/exe", argv);
  // Where that is not possible the program goes on as it is.
}

}  // namespace tools
}  // namespace caffe
