#include "core/processor_quota.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace caffe {

namespace {

const double kNoLimit = std::numeric_limits<double>::infinity();

// Microseconds of processors' time in each period; "max" and -1 stand for no limit.
double Limit(std::istream&& quota, std::istream&& period) {
  long long of_quota = 0, of_period = 0;
  if (!(quota >> of_quota) || !(period >> of_period)) return kNoLimit;
  return of_quota > 0 && of_period > 0 ? double(of_quota) / of_period : kNoLimit;
}

// The limit of one control group: version 2 has both numbers in one file.
double LimitOf(const std::string& group) {
  std::ifstream both(group + "/cpu.max");
  std::string quota, period;
  if (both >> quota >> period) return Limit(std::istringstream(quota), std::istringstream(period));
  return Limit(std::ifstream(group + "/cpu.cfs_quota_us"),
               std::ifstream(group + "/cpu.cfs_period_us"));
}

// The least limit of a group and of those that it is part of. In a container the path may be the
// host's, and what is there of it is the root.
double LeastLimit(const std::string& root, std::string path) {
  double least = LimitOf(root);
  while (path.size() > 1) {
    least = std::min(least, LimitOf(root + path));
    path.erase(path.rfind('/'));
  }
  return least;
}

}  // namespace

int ProcessorQuota(const std::string& root) {
  double least = kNoLimit;
  std::ifstream groups(root + "/proc/self/cgroup");
  // Number, controllers and path; version 2 names no controllers.
  for (std::string line; std::getline(groups, line);) {
    std::istringstream fields(line);
    std::string number, controllers, path;
    std::getline(fields, number, ':');
    std::getline(fields, controllers, ':');
    std::getline(fields, path);
    if (path.empty() || path[0] != '/') continue;
    if (controllers.empty()) {
      least = std::min(least, LeastLimit(root + "/sys/fs/cgroup", path));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      least = std::min(least, LeastLimit(root + "/sys/fs/cgroup/cpu", path));
    }
  }
  return least < std::numeric_limits<int>::max() ? static_cast<int>(std::ceil(least)) : 0;
}

void LimitThreads(int most) {
#ifdef _OPENMP
  if (most > 0 && most < omp_get_max_threads()) omp_set_num_threads(most);
#endif
}

void KeepToProcessorQuota() {
  static const int quota = std::getenv("OMP_NUM_THREADS") ? 0 : ProcessorQuota();
  LimitThreads(quota);
#ifdef _OPENMP
  constexpr int kMost = 1024;
  LimitThreads(std::max(kMost, omp_get_num_procs()));
#endif
}

}  // namespace caffe
