#include <algorithm>
#include <numeric>

#include "vote_map.hpp"

namespace dcme {
namespace {

void collect_spans(Plane<const int32_t> labels, std::vector<Instance>& list) {
  for (Instance& instance : list) instance.spans.clear();
  for (int r = 0; r < labels.rows; ++r) {
    const int32_t* row = labels.row(r);
    for (int begin = 0; begin < labels.cols;) {
      int end = begin + 1;
      while (end < labels.cols && row[end] == row[begin]) ++end;
      if (row[begin] > 0) list[row[begin] - 1].spans.push_back({r, begin, end});
      begin = end;
    }
  }
}

// Gives the unowned pixels in the holes of instance k to it; true if there were any.
bool fill_holes(Plane<int32_t> labels, const Instance& instance, int32_t label) {
  bool filled = false;
  for (const Span& gap : enclosed_gaps(instance.spans)) {
    for (int c = gap.begin; c < gap.end; ++c) {
      if (labels(gap.row, c) != 0) continue;
      labels(gap.row, c) = label;
      filled = true;
    }
  }
  return filled;
}

}  // namespace

void take_masks(Plane<int32_t> labels, std::vector<Instance>& list) {
  collect_spans(labels, list);
  std::vector<int64_t> pixels;
  for (const Instance& instance : list) pixels.push_back(instance.pixels());
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return pixels[a] < pixels[b]; });
  bool filled = false;
  for (size_t k : order) filled |= fill_holes(labels, list[k], static_cast<int32_t>(k) + 1);
  if (filled) collect_spans(labels, list);
  list.erase(std::remove_if(list.begin(), list.end(),
                            [](const Instance& instance) { return instance.spans.empty(); }),
             list.end());
}

}  // namespace dcme
