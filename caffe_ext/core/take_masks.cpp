#include <algorithm>
#include <cstring>
#include <numeric>

#include "vote_map.hpp"

namespace dcme {
namespace {

// First index after `begin` where row[] differs from row[begin]; two labels a step.
int label_run_end(const int32_t* row, int begin, int cols) {
  const uint64_t pattern = static_cast<uint32_t>(row[begin]) * 0x0000000100000001ull;
  int c = begin + 1;
  for (; c + 2 <= cols; c += 2) {
    uint64_t two;
    std::memcpy(&two, row + c, sizeof two);
    if (two != pattern) break;
  }
  while (c < cols && row[c] == row[begin]) ++c;
  return c;
}

void collect_spans(Plane<const int32_t> labels, std::vector<Instance>& list) {
  for (int r = 0; r < labels.rows; ++r) {
    const int32_t* row = labels.row(r);
    for (int begin = 0; begin < labels.cols;) {
      const int end = label_run_end(row, begin, labels.cols);
      if (row[begin] > 0) list[row[begin] - 1].spans.push_back({r, begin, end});
      begin = end;
    }
  }
}

void append(std::vector<Span>& spans, const Span& span) {
  if (!spans.empty() && spans.back().row == span.row && spans.back().end == span.begin) {
    spans.back().end = span.end;
  } else {
    spans.push_back(span);
  }
}

// Gives the pixels in the holes of an instance that nobody owns to it.
void fill_holes(Plane<int32_t> labels, Instance& instance, int32_t label) {
  const std::vector<Span> gaps = enclosed_gaps(instance.spans);
  if (gaps.empty()) return;
  std::vector<Span> filled;
  auto gap = gaps.begin();
  for (const Span& span : instance.spans) {
    if (gap != gaps.end() && gap->row == span.row && gap->end == span.begin) {
      int32_t* row = labels.row(gap->row);
      for (int c = gap->begin; c < gap->end; ++c) {
        if (row[c] != 0) continue;
        row[c] = label;
        append(filled, {gap->row, c, c + 1});
      }
      ++gap;
    }
    append(filled, span);
  }
  instance.spans = std::move(filled);
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
  for (size_t k : order) fill_holes(labels, list[k], static_cast<int32_t>(k) + 1);
  list.erase(std::remove_if(list.begin(), list.end(),
                            [](const Instance& instance) { return instance.spans.empty(); }),
             list.end());
}

}  // namespace dcme
