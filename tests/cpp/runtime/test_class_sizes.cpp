#include <string>

#include <gtest/gtest.h>

#include "class_sizes/class_sizes.hpp"

namespace caffe_test {
namespace {

// Layers whose GPU code nobody can compile are built with CPU_ONLY, on a runtime with CUDA, too.
TEST(ClassSizes, AreTheSameWithCpuOnly) {
  const auto in_runtime = SizesInRuntime(), with_cpu_only = SizesWithCpuOnly();
  ASSERT_EQ(in_runtime.size(), with_cpu_only.size());
  for (size_t i = 0; i < in_runtime.size(); ++i) {
    EXPECT_EQ(in_runtime[i].second, with_cpu_only[i].second) << in_runtime[i].first;
  }
}

}  // namespace
}  // namespace caffe_test
