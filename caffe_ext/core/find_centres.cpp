#include <algorithm>
#include <cmath>
#include <cstring>

#include "dcme/simd.hpp"
#include "sparse_row.hpp"
#include "vote_map.hpp"

namespace dcme {
namespace {

// A peak counts as one of its own beside a higher one only if the smoothed votes between the two
// fall below this share of its height.
constexpr double kValley = 0.75;

DCME_SIMD_CLONES
void add_row(const int32_t* row, int cols, int32_t* sums) {
  for (int c = 0; c < cols; ++c) sums[c] += row[c];
}

DCME_SIMD_CLONES
void subtract_row(const int32_t* row, int cols, int32_t* sums) {
  for (int c = 0; c < cols; ++c) sums[c] -= row[c];
}

// out[c] = sums[c - radius] + ... + sums[c + radius] for a row with that much margin on both sides.
DCME_SIMD_CLONES
void add_neighbours(const int32_t* sums, int radius, int cols, int32_t* out) {
  for (int c = 0; c < cols; ++c) out[c] = sums[c];
  for (int d = 1; d <= radius; ++d) {
    for (int c = 0; c < cols; ++c) out[c] += sums[c - d] + sums[c + d];
  }
}

// The same by a running sum, for radii at which that is less work.
void slide_window(const int32_t* sums, int radius, int cols, int32_t* out) {
  int32_t window = 0;
  for (int c = -radius; c < radius; ++c) window += sums[c];
  for (int c = 0; c < cols; ++c) {
    window += sums[c + radius];
    out[c] = window;
    window -= sums[c - radius];
  }
}

// Sums over squares of (2 * radius + 1)^2 cells, clipped at the border.
void box_sums(Plane<const int32_t> in, int radius, Plane<int32_t> out) {
  constexpr int kFewNeighbours = 8;
  const int rows = in.rows, cols = in.cols;
  std::vector<int32_t> padded(cols + 2 * radius);
  int32_t* columns = padded.data() + radius;  // sums over 2 * radius + 1 rows
  for (int r = 0; r < std::min(radius, rows); ++r) add_row(in.row(r), cols, columns);
  for (int r = 0; r < rows; ++r) {
    if (r + radius < rows) add_row(in.row(r + radius), cols, columns);
    if (r - radius - 1 >= 0) subtract_row(in.row(r - radius - 1), cols, columns);
    if (radius <= kFewNeighbours) {
      add_neighbours(columns, radius, cols, out.row(r));
    } else {
      slide_window(columns, radius, cols, out.row(r));
    }
  }
}

// Lowers the values of which box_sums would make sums beyond 32 bits: those of instances of half a
// million pixels, whose peaks then have flatter tops.
void limit_sums(Plane<int32_t> values, int radius) {
  const int64_t side = 2 * int64_t{radius} + 1;
  const int64_t cells = std::min<int64_t>(side, values.rows) * std::min<int64_t>(side, values.cols);
  const auto most = static_cast<int32_t>(INT32_MAX / cells);
  for (int r = 0; r < values.rows; ++r) {
    for_each_above(values.row(r), values.cols, most, [&](int c) { values(r, c) = most; });
  }
}

struct Peak {
  int row, col, height;
};

// Marks the cells above `floor` that no neighbour in their own row or the rows next to it exceeds;
// of equals the first in reading order. The first and the last cell are left as they are.
DCME_SIMD_CLONES
void mark_summits(const int32_t* above, const int32_t* here, const int32_t* below, int cols,
                  int32_t floor, uint8_t* marks) {
  for (int c = 1; c < cols - 1; ++c) {
    const int32_t before = std::max({above[c - 1], above[c], above[c + 1], here[c - 1], floor});
    const int32_t after = std::max({here[c + 1], below[c - 1], below[c], below[c + 1]});
    marks[c] = (here[c] > before) & (here[c] >= after);
  }
}

// The first mark from `begin` on, or `end`. Marks are rare, and memchr passes over the rest
// quickly.
const uint8_t* next_mark(const uint8_t* begin, const uint8_t* end) {
  const void* found = std::memchr(begin, 1, end - begin);
  return found ? static_cast<const uint8_t*>(found) : end;
}

// Finds the cells above `floor` that are higher than every other within `radius` rows and columns;
// of equals the first in reading order.
class PeakSearch {
 public:
  PeakSearch(Plane<const int32_t> heights, int radius, int32_t floor)
      : heights_(heights), radius_(radius), floor_(floor) {}

  std::vector<Peak> run() const {
    std::vector<Peak> peaks;
    const std::vector<int32_t> outside(heights_.cols);
    // The outermost columns have no neighbour on one side; they are always tried.
    std::vector<uint8_t> marks(heights_.cols, 1);
    for (int r = 0; r < heights_.rows; ++r) {
      const int32_t* above = r > 0 ? heights_.row(r - 1) : outside.data();
      const int32_t* below = r + 1 < heights_.rows ? heights_.row(r + 1) : outside.data();
      mark_summits(above, heights_.row(r), below, heights_.cols, floor_, marks.data());
      const uint8_t *begin = marks.data(), *end = begin + marks.size();
      for (const uint8_t* mark = begin; (mark = next_mark(mark, end)) != end; ++mark) {
        const int c = static_cast<int>(mark - begin);
        const Peak peak{r, c, heights_(r, c)};
        if (peak.height > floor_ && is_highest_around(peak)) peaks.push_back(peak);
      }
    }
    return peaks;
  }

 private:
  bool is_highest_around(const Peak& peak) const {
    const int left = std::max(peak.col - radius_, 0);
    const int right = std::min(peak.col + radius_ + 1, heights_.cols);
    const int bottom = std::min(peak.row + radius_ + 1, heights_.rows);
    for (int r = std::max(peak.row - radius_, 0); r < bottom; ++r) {
      const int32_t* row = heights_.row(r);
      for (int c = left; c < right; ++c) {
        const bool earlier = r < peak.row || (r == peak.row && c < peak.col);
        if (row[c] > peak.height || (earlier && row[c] == peak.height)) return false;
      }
    }
    return true;
  }

  const Plane<const int32_t> heights_;
  const int radius_;
  const int32_t floor_;
};

// Lowest height met on the straight way between two cells.
int lowest_between(Plane<const int32_t> heights, const Peak& a, const Peak& b) {
  const int steps = std::max(std::abs(a.row - b.row), std::abs(a.col - b.col));
  int lowest = std::min(a.height, b.height);
  for (int i = 1; i < steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    lowest = std::min(lowest, heights(static_cast<int>(std::lround(a.row + t * (b.row - a.row))),
                                      static_cast<int>(std::lround(a.col + t * (b.col - a.col)))));
  }
  return lowest;
}

// Places (with a row and a col from 0 on) sorted into squares of side `reach`, so that those near
// another are found quickly.
template <typename Place>
class Buckets {
 public:
  Buckets(int rows, int cols, int reach)
      : reach_(reach), cols_(cols / reach + 3), buckets_((rows / reach + 3) * cols_) {}

  void add(const Place& place) { buckets_[index(place)].push_back(place); }

  // Whether the test holds for one within `reach` rows and columns, or for one a little further.
  template <typename Test>
  bool any_near(const Place& place, Test test) const {
    for (int dr = -1; dr <= 1; ++dr) {
      for (int dc = -1; dc <= 1; ++dc) {
        const auto& bucket = buckets_[index(place) + dr * cols_ + dc];
        if (std::any_of(bucket.begin(), bucket.end(), test)) return true;
      }
    }
    return false;
  }

 private:
  int index(const Place& place) const {
    const int row = static_cast<int>(place.row), col = static_cast<int>(place.col);
    return (row / reach_ + 1) * cols_ + col / reach_ + 1;
  }

  int reach_, cols_;
  std::vector<std::vector<Place>> buckets_;
};

// Leaves out peaks that are mere shoulders of a higher one within `reach`.
std::vector<Peak> separate_peaks(std::vector<Peak> peaks, Plane<const int32_t> heights, int reach) {
  std::sort(peaks.begin(), peaks.end(), [](const Peak& a, const Peak& b) {
    if (a.height != b.height) return a.height > b.height;
    return a.row != b.row ? a.row < b.row : a.col < b.col;
  });
  std::vector<Peak> kept;
  Buckets<Peak> buckets(heights.rows, heights.cols, reach);
  for (const Peak& peak : peaks) {
    const bool shoulder = buckets.any_near(peak, [&](const Peak& higher) {
      return std::abs(higher.row - peak.row) <= reach && std::abs(higher.col - peak.col) <= reach &&
             lowest_between(heights, higher, peak) >= kValley * peak.height;
    });
    if (shoulder) continue;
    buckets.add(peak);
    kept.push_back(peak);
  }
  return kept;
}

// Number and mean place of the votes within `radius` rows and columns of a cell.
FoundCentre centre_at(Plane<const int32_t> map, int row, int col, int radius) {
  FoundCentre centre{0, 0, 0};
  int64_t rows = 0, cols = 0;
  const int left = std::max(col - radius, 0), right = std::min(col + radius, map.cols - 1);
  const int bottom = std::min(row + radius, map.rows - 1);
  for (int r = std::max(row - radius, 0); r <= bottom; ++r) {
    int64_t in_row = 0;
    for (int c = left; c <= right; ++c) {
      in_row += map(r, c);
      cols += static_cast<int64_t>(map(r, c)) * c;
    }
    centre.votes += in_row;
    rows += in_row * r;
  }
  if (centre.votes > 0) {
    centre.row = static_cast<double>(rows) / centre.votes;
    centre.col = static_cast<double>(cols) / centre.votes;
  }
  return centre;
}

// Centres whose votes fall into 3x3 cells with next to none around: they are known so well that
// others may be closer than DT. Their votes are taken out of the map.
std::vector<FoundCentre> take_sharp_centres(Plane<int32_t> map, double vt) {
  constexpr double kSharp = 0.9;  // share of the votes within 5x5 cells that lie within 3x3
  std::vector<FoundCentre> centres;
  const int enough = static_cast<int>(std::min(vt / 9, 1e9));
  for (int r = 0; r < map.rows; ++r) {
    for_each_above(map.row(r), map.cols, enough, [&](int c) {
      const FoundCentre centre = centre_at(map, r, c, 1);
      if (centre.votes <= vt || std::lround(centre.row) != r || std::lround(centre.col) != c ||
          centre.votes < kSharp * centre_at(map, r, c, 2).votes) {
        return;
      }
      centres.push_back(centre);
      for (int i = std::max(r - 1, 0); i <= std::min(r + 1, map.rows - 1); ++i) {
        for (int j = std::max(c - 1, 0); j <= std::min(c + 1, map.cols - 1); ++j) map(i, j) = 0;
      }
    });
  }
  return centres;
}

bool has_votes(Plane<const int32_t> votes) {
  for (int r = 0; r < votes.rows; ++r) {
    if (any_above(votes.row(r), votes.cols, 0)) return true;
  }
  return false;
}

// Centres of the votes that are left: peaks of the smoothed votes.
std::vector<FoundCentre> broad_centres(const VoteMap& map, Plane<const int32_t> votes, double dt,
                                       const DecodeOptions& options) {
  if (!has_votes(votes)) return {};
  const int radius = static_cast<int>(dt / 2);
  // Two box filters, one on the other: nearly a cone, which has one top where a box has a plateau.
  ScratchPlane once(votes.rows, votes.cols, ScratchPlane::Fill::kNone);
  ScratchPlane twice(votes.rows, votes.cols, ScratchPlane::Fill::kNone);
  const Plane<int32_t> heights = twice.plane();
  box_sums(votes, radius / 2, once.plane());
  limit_sums(once.plane(), radius - radius / 2);
  box_sums(once.plane(), radius - radius / 2, heights);

  // Every vote within the radius counts at least once in the height.
  const int floor = static_cast<int>(std::min(options.vt, 1e9));
  std::vector<Peak> peaks = PeakSearch(heights, std::max(radius, 1), floor).run();
  const bool masked = options.foreground_mask.data != nullptr;  // then no noise is foreground
  const auto no_centre = [&](const Peak& p) {
    return centre_at(votes, p.row, p.col, radius).votes <= options.vt ||
           !(masked || gathers_votes(map, votes, p.row, p.col, radius));
  };
  peaks.erase(std::remove_if(peaks.begin(), peaks.end(), no_centre), peaks.end());
  const int reach = static_cast<int>(std::ceil(std::max(2 * dt, 1.0)));
  std::vector<FoundCentre> centres;
  for (const Peak& peak : separate_peaks(std::move(peaks), heights, reach)) {
    centres.push_back(centre_at(votes, peak.row, peak.col, radius));
  }
  return centres;
}

// Leaves out the broad centres that have a sharp one of as many votes or more within `dt`.
void leave_out_beside(const std::vector<FoundCentre>& sharp, double dt, int rows, int cols,
                      std::vector<FoundCentre>* broad) {
  if (sharp.empty() || broad->empty()) return;
  Buckets<FoundCentre> near(rows, cols, static_cast<int>(std::ceil(std::max(dt, 1.0))));
  for (const FoundCentre& centre : sharp) near.add(centre);
  const auto beside_sharp = [&](const FoundCentre& centre) {
    return near.any_near(centre, [&](const FoundCentre& other) {
      return other.votes >= centre.votes &&
             std::hypot(other.row - centre.row, other.col - centre.col) <= dt;
    });
  };
  broad->erase(std::remove_if(broad->begin(), broad->end(), beside_sharp), broad->end());
}

}  // namespace

std::vector<FoundCentre> find_centres(const VoteMap& map, const DecodeOptions& options) {
  const double dt = std::min(options.dt, 4.0 * (map.rows() + map.cols()));
  ScratchPlane left(map.rows(), map.cols(), ScratchPlane::Fill::kNone);
  std::copy(map.votes().data, map.votes().data + map.votes().size(), left.plane().data);
  std::vector<FoundCentre> centres = take_sharp_centres(left.plane(), options.vt);
  std::vector<FoundCentre> broad = broad_centres(map, left.plane(), dt, options);
  leave_out_beside(centres, dt, map.rows(), map.cols(), &broad);
  centres.insert(centres.end(), broad.begin(), broad.end());
  for (FoundCentre& centre : centres) {
    centre.row -= map.margin();
    centre.col -= map.margin();
  }
  std::sort(centres.begin(), centres.end(), [](const FoundCentre& a, const FoundCentre& b) {
    return a.row != b.row ? a.row < b.row : a.col < b.col;
  });
  return centres;
}

}  // namespace dcme
