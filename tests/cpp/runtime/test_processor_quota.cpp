#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/processor_quota.hpp"
#include "temporary_folder.hpp"

namespace {

// Files as Linux shows them to a process.
class ProcessorQuota : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = folder_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  void IsPartOf(const std::string& groups) { Write("/proc/self/cgroup", groups); }
  int Quota() const { return caffe::ProcessorQuota(folder_.path()); }

 private:
  caffe_test::TemporaryFolder folder_;
};

TEST_F(ProcessorQuota, IsNoneWhereNothingIsSaid) {
  EXPECT_EQ(Quota(), 0);
  IsPartOf("0::/");
  EXPECT_EQ(Quota(), 0);
  Write("/sys/fs/cgroup/cpu.max", "max 100000");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(ProcessorQuota, IsThatOfAContainer) {
  IsPartOf("0::/");
  Write("/sys/fs/cgroup/cpu.max", "200000 100000");
  EXPECT_EQ(Quota(), 2);
  Write("/sys/fs/cgroup/cpu.max", "250000 100000");
  EXPECT_EQ(Quota(), 3);
  Write("/sys/fs/cgroup/cpu.max", "1000 100000");
  EXPECT_EQ(Quota(), 1);
}

TEST_F(ProcessorQuota, IsTheLeastOfAllGroupsAroundTheProcess) {
  IsPartOf("0::/user.slice/train.scope");
  Write("/sys/fs/cgroup/user.slice/train.scope/cpu.max", "800000 100000");
  EXPECT_EQ(Quota(), 8);
  Write("/sys/fs/cgroup/user.slice/cpu.max", "400000 100000");
  EXPECT_EQ(Quota(), 4);
}

TEST_F(ProcessorQuota, IsReadInTheFirstVersionToo) {
  IsPartOf("5:cpuset:/\n4:cpuacct,cpu:/docker/1234\n0::/");
  // In the container, its own group is the root.
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Quota(), 0);
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000");
  EXPECT_EQ(Quota(), 2);
}

#ifdef _OPENMP
TEST(LimitThreads, LeavesAThreadThatHasFewerAlone) {
  std::thread([] {
    omp_set_num_threads(8);
    caffe::LimitThreads(0);
    EXPECT_EQ(omp_get_max_threads(), 8);
    caffe::LimitThreads(3);
    EXPECT_EQ(omp_get_max_threads(), 3);
    caffe::LimitThreads(5);
    EXPECT_EQ(omp_get_max_threads(), 3);
  }).join();
}

TEST(KeepToProcessorQuota, LeavesNoMoreThreadsThanOpenMpCanStart) {
  std::thread([] {
    omp_set_num_threads(1'000'000);
    caffe::KeepToProcessorQuota();
    EXPECT_LE(omp_get_max_threads(), std::max(1024, omp_get_num_procs()));
  }).join();
}
#endif

TEST_F(ProcessorQuota, IsNoneWhereFilesAreDamaged) {
  IsPartOf("0::/\nnothing\n::\n0:cpu\n1:cpu:relative");
  for (const char* text : {"", "200000", "many 100000", "200000 0", "-5 100000"}) {
    Write("/sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(Quota(), 0) << text;
  }
}

}  // namespace
