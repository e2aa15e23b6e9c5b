#ifndef TESTS_CLASS_SIZES_HPP_
#define TESTS_CLASS_SIZES_HPP_

#include <cstddef>
#include <utility>
#include <vector>

namespace caffe_test {

using ClassSize = std::pair<const char*, size_t>;

/// How large the classes are that users derive from and have as members, for code that is compiled
/// as the runtime, and with CPU_ONLY.
std::vector<ClassSize> SizesInRuntime();
std::vector<ClassSize> SizesWithCpuOnly();

}  // namespace caffe_test

#endif  // TESTS_CLASS_SIZES_HPP_
