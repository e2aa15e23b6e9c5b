#include "take_masks.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dcme {
namespace {

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
        append_span(filled, {gap->row, c, c + 1});
      }
      ++gap;
    }
    append_span(filled, span);
  }
  instance.spans = std::move(filled);
}

}  // namespace

void take_masks(Plane<int32_t> labels, std::vector<Instance>& list) {
  auto spans = spans_of(labels, list.size());
  for (size_t k = 0; k < list.size(); ++k) list[k].spans = std::move(spans[k]);
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
