#include "dcme/instances.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <opencv2/imgproc.hpp>

#include "runs.hpp"

namespace dcme {
namespace {

// Which gaps are connected, and which of them to the outside.
class GapSets {
 public:
  static constexpr int kOutside = 0;

  int add() {
    parent_.push_back(static_cast<int>(parent_.size()));
    return parent_.back();
  }
  void join(int a, int b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);  // the outside, 0, stays the root of its set
  }
  int root(int a) {
    while (parent_[a] != a) a = parent_[a] = parent_[parent_[a]];
    return a;
  }

 private:
  std::vector<int> parent_{kOutside};
};

struct Gap {
  Span span;
  int set;
};

// The spans of one row and the gaps between them.
struct GapRow {
  int row = -2;
  int begin = 0, end = 0;  // from the first span to past the last
  size_t first_gap = 0, last_gap = 0;

  bool covers(const Span& s) const { return begin <= s.begin && s.end <= end; }
};

// The mean of value(row, column) over the pixels of each instance, 0 of an empty one.
template <typename Value>
std::vector<double> means(const Instances& instances, Value value) {
  std::vector<double> result;
  result.reserve(instances.list.size());
  for (const Instance& instance : instances.list) {
    double sum = 0;
    for (const Span& s : instance.spans) {
      for (int c = s.begin; c < s.end; ++c) sum += value(instance, s.row, c);
    }
    const int64_t pixels = instance.pixels();
    result.push_back(pixels > 0 ? sum / static_cast<double>(pixels) : 0);
  }
  return result;
}

void require_size(const Instances& instances, int rows, int cols) {
  if (rows == instances.rows && cols == instances.cols) return;
  throw std::invalid_argument("the values are " + size_text(rows, cols) +
                              " but the instances are of " +
                              size_text(instances.rows, instances.cols));
}

bool meet(const Span& a, const Span& b) { return a.begin < b.end && b.begin < a.end; }

// Joins the gaps of two neighbouring rows, each also with what lies outside the other row.
void join_rows(const GapRow& above, const GapRow& below, const std::vector<Gap>& gaps,
               GapSets& sets) {
  for (size_t i = above.first_gap; i < above.last_gap; ++i) {
    if (!below.covers(gaps[i].span)) sets.join(gaps[i].set, GapSets::kOutside);
  }
  size_t i = above.first_gap;
  for (size_t j = below.first_gap; j < below.last_gap; ++j) {
    if (!above.covers(gaps[j].span)) sets.join(gaps[j].set, GapSets::kOutside);
    while (i < above.last_gap && gaps[i].span.end <= gaps[j].span.begin) ++i;
    for (size_t k = i; k < above.last_gap && meet(gaps[k].span, gaps[j].span); ++k) {
      sets.join(gaps[k].set, gaps[j].set);
    }
  }
}

}  // namespace

std::vector<std::vector<Span>> spans_of(Plane<const int32_t> labels, size_t count) {
  std::vector<std::vector<Span>> spans(count);
  for (int r = 0; r < labels.rows; ++r) {
    const int32_t* row = labels.row(r);
    for (int begin = 0; begin < labels.cols;) {
      const int end = run_end(row, begin, labels.cols);
      const int32_t value = row[begin];
      if (value > 0 && static_cast<size_t>(value) <= count) {
        spans[value - 1].push_back({r, begin, end});
      }
      begin = end;
    }
  }
  return spans;
}

int64_t Instance::pixels() const {
  return std::accumulate(spans.begin(), spans.end(), int64_t{0},
                         [](int64_t sum, const Span& s) { return sum + s.end - s.begin; });
}

Box Instance::box() const {
  if (spans.empty()) return {};
  Box box{spans.front().row, spans.front().begin, spans.back().row + 1, spans.front().end};
  for (const Span& s : spans) {
    box.left = std::min(box.left, s.begin);
    box.right = std::max(box.right, s.end);
  }
  return box;
}

void Instances::mask(size_t index, Plane<uint8_t> mask) const {
  std::memset(mask.data, 0, mask.size());
  for (const Span& s : list[index].spans)
    std::memset(mask.row(s.row) + s.begin, 1, s.end - s.begin);
}

void Instances::label_map(Plane<int32_t> labels) const {
  std::vector<int> upwards(list.size());
  std::iota(upwards.rbegin(), upwards.rend(), 0);
  label_map(labels, upwards);
}

void Instances::label_map(Plane<int32_t> labels, const std::vector<int>& upwards) const {
  std::fill(labels.data, labels.data + labels.size(), 0);
  for (const int k : upwards) {
    require(k >= 0 && static_cast<size_t>(k) < list.size(), "there is no such instance to paint");
    for (const Span& s : list[k].spans) {
      std::fill(labels.row(s.row) + s.begin, labels.row(s.row) + s.end, k + 1);
    }
  }
}

std::vector<Span> enclosed_gaps(const std::vector<Span>& spans) {
  std::vector<Gap> gaps;
  GapSets sets;
  GapRow above;
  for (size_t i = 0; i < spans.size();) {
    GapRow here{spans[i].row, spans[i].begin, spans[i].end, gaps.size(), gaps.size()};
    for (++i; i < spans.size() && spans[i].row == here.row; ++i) {
      gaps.push_back({{here.row, here.end, spans[i].begin}, sets.add()});
      here.end = spans[i].end;
    }
    here.last_gap = gaps.size();
    const GapRow nothing{here.row - 1, 0, 0, gaps.size(), gaps.size()};
    if (above.row != here.row - 1) {
      join_rows(above, nothing, gaps, sets);
      above = nothing;
    }
    join_rows(above, here, gaps, sets);
    above = here;
  }
  join_rows(above, GapRow{above.row + 1, 0, 0, 0, 0}, gaps, sets);

  std::vector<Span> enclosed;
  for (const Gap& gap : gaps) {
    if (sets.root(gap.set) != GapSets::kOutside) enclosed.push_back(gap.span);
  }
  return enclosed;
}

std::vector<Span> with_holes_filled(const std::vector<Span>& spans) {
  const std::vector<Span> holes = enclosed_gaps(spans);
  if (holes.empty()) return spans;
  std::vector<Span> filled;
  auto hole = holes.begin();
  for (const Span& span : spans) {
    // Every hole lies between two spans of its row, so filling it joins them.
    if (hole != holes.end() && hole->row == span.row && hole->end == span.begin) {
      filled.back().end = span.end;
      ++hole;
    } else {
      filled.push_back(span);
    }
  }
  return filled;
}

std::vector<double> means_over(const Instances& instances, Plane<const float> values) {
  require_size(instances, values.rows, values.cols);
  return means(instances, [&](const Instance&, int r, int c) { return values(r, c); });
}

std::vector<double> spreads(const Instances& instances, Plane<const float> dx,
                            Plane<const float> dy) {
  require_size(instances, dx.rows, dx.cols);
  require_size(instances, dy.rows, dy.cols);
  return means(instances, [&](const Instance& instance, int r, int c) {
    return std::hypot(r + dy(r, c) - instance.row, c + dx(r, c) - instance.col);
  });
}

std::vector<double> offsets(const Instances& instances) {
  const auto rows = means(instances, [](const Instance& i, int r, int) { return r - i.row; });
  const auto cols = means(instances, [](const Instance& i, int, int c) { return c - i.col; });
  std::vector<double> result(rows.size());
  std::transform(rows.begin(), rows.end(), cols.begin(), result.begin(),
                 [](double row, double col) { return std::hypot(row, col); });
  return result;
}

void mask_full_resolution(const Instances& instances, size_t index, Plane<uint8_t> mask) {
  cv::Mat small(instances.rows, instances.cols, CV_8U);
  instances.mask(index, {small.data, small.rows, small.cols});
  small *= 255;
  cv::Mat large;
  cv::resize(small, large, cv::Size(mask.cols, mask.rows), 0, 0, cv::INTER_CUBIC);
  for (int r = 0; r < mask.rows; ++r) {
    const uint8_t* values = large.ptr(r);
    for (int c = 0; c < mask.cols; ++c) mask(r, c) = values[c] != 0;
  }
}

}  // namespace dcme
