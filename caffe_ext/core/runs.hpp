#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "dcme/instance_map.hpp"

namespace dcme {

// First index after `begin` where row[] differs from row[begin]; four pixels a step.
inline int run_end(const uint16_t* row, int begin, int cols) {
  const uint64_t pattern = row[begin] * 0x0001000100010001ull;
  int c = begin + 1;
  for (; c + 4 <= cols; c += 4) {
    uint64_t four;
    std::memcpy(&four, row + c, sizeof four);
    if (four != pattern) break;
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
