#if __has_include(<host_waits.hpp>)  // in the emulation: elsewhere nvcc has to compile this header

#include <gtest/gtest.h>

#include "gpu/vectors.cuh"

namespace caffe {
namespace {

int SizeOfUnits(std::ptrdiff_t n, bool aligned) {
  int size = 0;
  WithUnitOfBlob<float>(n, aligned,
                        [&](auto* unit) { size = std::remove_pointer_t<decltype(unit)>::kSize; });
  return size;
}

TEST(Units, ArePacksWhereAllArraysConsistOfThem) {
  alignas(16) const float values[16] = {};
  EXPECT_EQ(SizeOfUnits(8, Aligned(values, values + 4)), 4);
  EXPECT_EQ(SizeOfUnits(8, Aligned(values, values + 1)), 1);
  EXPECT_EQ(SizeOfUnits(8, Aligned(values + 2, values)), 1);
  EXPECT_EQ(SizeOfUnits(7, Aligned(values)), 1);
}

}  // namespace
}  // namespace caffe

#endif
