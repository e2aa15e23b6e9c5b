#include <algorithm>
#include <unordered_map>

#include "dcme/evaluate.hpp"

namespace dcme {

std::vector<LabelOverlap> label_overlaps(Plane<const int32_t> a, Plane<const int32_t> b) {
  if (!a.same_size(b.rows, b.cols)) {
    throw std::invalid_argument("the label maps differ in size: " + size_text(a.rows, a.cols) +
                                " and " + size_text(b.rows, b.cols));
  }
  std::unordered_map<uint64_t, int64_t> counts;
  const auto key = [](int32_t x, int32_t y) {
    return static_cast<uint64_t>(static_cast<uint32_t>(x)) << 32 | static_cast<uint32_t>(y);
  };
  for (int r = 0; r < a.rows; ++r) {
    const int32_t* row_a = a.row(r);
    const int32_t* row_b = b.row(r);
    for (int begin = 0; begin < a.cols;) {
      int end = begin + 1;
      while (end < a.cols && row_a[end] == row_a[begin] && row_b[end] == row_b[begin]) ++end;
      counts[key(row_a[begin], row_b[begin])] += end - begin;
      begin = end;
    }
  }
  std::vector<LabelOverlap> overlaps;
  for (const auto& [pair, pixels] : counts) {
    overlaps.push_back({static_cast<int32_t>(pair >> 32), static_cast<int32_t>(pair), pixels});
  }
  std::sort(overlaps.begin(), overlaps.end(), [](const LabelOverlap& x, const LabelOverlap& y) {
    return x.a != y.a ? x.a < y.a : x.b < y.b;
  });
  return overlaps;
}

}  // namespace dcme
