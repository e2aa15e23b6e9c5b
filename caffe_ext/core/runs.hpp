#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "dcme/instance_map.hpp"

namespace dcme {

// First index after `begin` where row[] differs from row[begin]; eight bytes a step.
template <typename T>
int run_end(const T* row, int begin, int cols) {
  static_assert(sizeof(T) == 2 || sizeof(T) == 4, "a step must hold several pixels");
  constexpr uint64_t kOnes = sizeof(T) == 2 ? 0x0001000100010001ull : 0x0000000100000001ull;
  constexpr int kStep = 8 / sizeof(T);
  const uint64_t pattern = static_cast<std::make_unsigned_t<T>>(row[begin]) * kOnes;
  int c = begin + 1;
  for (; c + kStep <= cols; c += kStep) {
    uint64_t step;
    std::memcpy(&step, row + c, sizeof step);
    if (step != pattern) break;
  }
  while (c < cols && row[c] == row[begin]) ++c;
  return c;
}

// Calls visit(row, begin, end, id) for every maximal run of equal ids, in reading order.
template <typename Visit>
void for_each_run(Plane<const uint16_t> ids, Visit visit) {
  for (int r = 0; r < ids.rows; ++r) {
    const uint16_t* row = ids.row(r);
    for (int begin = 0; begin < ids.cols;) {
      const int end = run_end(row, begin, ids.cols);
      visit(r, begin, end, row[begin]);
      begin = end;
    }
  }
}

// A run of instance pixels: columns [begin, end) of a row; `instance` counts instances in the
// order in which the scan met them.
struct Run {
  int row, begin, end, instance;
};

// One pass over an instance map: its instances, in order of appearance, and their runs.
struct InstanceScan {
  std::vector<InstanceInfo> instances;
  std::vector<Run> runs;

  explicit InstanceScan(Plane<const uint16_t> ids, const ClassMap* classes = nullptr);
};

}  // namespace dcme
