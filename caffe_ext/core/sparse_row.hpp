#pragma once

#include <algorithm>
#include <cstdint>

namespace dcme {

// Whether any of `count` values exceeds `floor`.
bool any_above(const int32_t* values, int count, int32_t floor);

// Calls visit(c) for each value of a row that exceeds `floor`, in order. Stretches without one cost
// next to nothing. `visit` may lower values of the row.
template <typename Visit>
void for_each_above(const int32_t* row, int cols, int32_t floor, Visit visit) {
  constexpr int kStretch = 64;
  for (int begin = 0; begin < cols; begin += kStretch) {
    const int end = std::min(begin + kStretch, cols);
    if (!any_above(row + begin, end - begin, floor)) continue;
    for (int c = begin; c < end; ++c) {
      if (row[c] > floor) visit(c);
    }
  }
}

}  // namespace dcme
