// The decoder that produced the published numbers, with all its accidents:
// 8-bit vectors, one vote for each non-zero component, wrapped targets, centres
// by one pass of splitting, overlapping masks.
#include <algorithm>
#include <cmath>
#include <map>

#include "dcme/simd.hpp"
#include "decode_modes.hpp"
#include "scratch.hpp"

namespace dcme {
namespace {

constexpr int kReach = 128;               // the farthest an 8-bit component leads
constexpr int64_t kLargestUnlisted = 20;  // pixels

// 8-bit vectors of one row and the votes (0, 1 or 2) that each pixel casts.
struct QuantisedRow {
  std::vector<int> dx, dy, votes;

  explicit QuantisedRow(int cols) : dx(cols), dy(cols), votes(cols) {}
};

// Truncates towards zero and wraps modulo 256. Floats from 2^31 on are multiples of 256.
inline int to_8_bits(float value) {
  const float small = std::fabs(value) < 2147483648.f ? value : 0.f;
  const auto bits = static_cast<uint32_t>(static_cast<int32_t>(small));
  return static_cast<int32_t>(bits << 24) >> 24;
}

DCME_SIMD_CLONES
void quantise(const float* dx, const float* dy, int cols, int* qx, int* qy, int* votes) {
  for (int c = 0; c < cols; ++c) {
    const int x = to_8_bits(dx[c]), y = to_8_bits(dy[c]);
    qx[c] = x;
    qy[c] = y;
    // -128 has no 8-bit absolute value and counts as zero.
    votes[c] = ((x != 0) & (x != -128)) + ((y != 0) & (y != -128));
  }
}

void quantise(const VectorField& field, int r, QuantisedRow& row) {
  quantise(field.dx.row(r), field.dy.row(r), field.cols(), row.dx.data(), row.dy.data(),
           row.votes.data());
}

// Negative targets count from the far end once; what is still outside is dropped (-1).
inline int wrapped(int target, int size) {
  if (target < 0) target += size;
  return target < size ? target : -1;
}

void cast_votes(const VectorField& field, Plane<int32_t> votes) {
  const int rows = field.rows(), cols = field.cols();
  QuantisedRow row(cols);
  for (int r = 0; r < rows; ++r) {
    quantise(field, r, row);
    for (int c = 0; c < cols; ++c) {
      if (row.votes[c] == 0) continue;
      const int to_row = wrapped(r + row.dy[c], rows), to_col = wrapped(c + row.dx[c], cols);
      if (to_row >= 0 && to_col >= 0) votes(to_row, to_col) += row.votes[c];
    }
  }
}

struct Cell {
  int row, col, votes;
};

// Cells with more than vt votes, in reading order, hence sorted by row.
std::vector<Cell> candidates(Plane<const int32_t> votes, double vt) {
  const int most = static_cast<int>(std::min(std::floor(vt), 2147483646.0));
  std::vector<Cell> found;
  for (int r = 0; r < votes.rows; ++r) {
    for (int c = 0; c < votes.cols; ++c) {
      if (votes(r, c) > most) found.push_back({r, c, votes(r, c)});
    }
  }
  return found;
}

// Calls part(first, last) for each stretch of [first, last) without a gap of more than dt.
template <typename Coordinate, typename Part>
void split(Cell* first, Cell* last, double dt, Coordinate coordinate, Part part) {
  while (first != last) {
    Cell* end = first + 1;
    while (end != last && coordinate(*end) - coordinate(end[-1]) <= dt) ++end;
    part(first, end);
    first = end;
  }
}

std::vector<Instance> centres(std::vector<Cell> cells, double dt) {
  std::vector<Instance> found;
  const auto row = [](const Cell& c) { return c.row; };
  const auto col = [](const Cell& c) { return c.col; };
  const auto add_centre = [&](const Cell* first, const Cell* last) {
    int64_t rows = 0, cols = 0;
    Instance centre;
    for (const Cell* cell = first; cell != last; ++cell) {
      rows += cell->row;
      cols += cell->col;
      centre.votes += cell->votes;
    }
    centre.row = static_cast<double>(rows / (last - first));
    centre.col = static_cast<double>(cols / (last - first));
    found.push_back(centre);
  };
  split(cells.data(), cells.data() + cells.size(), dt, row, [&](Cell* first, Cell* last) {
    std::stable_sort(first, last, [](const Cell& a, const Cell& b) { return a.col < b.col; });
    split(first, last, dt, col, add_centre);
  });
  return found;
}

// For every target cell, also those up to 128 pixels outside the image, the set of centres less
// than et away. Equal sets share a number, so that runs of pixels can be told apart quickly.
class CoverMap {
 public:
  CoverMap(int rows, int cols, const std::vector<Instance>& centres, double et)
      : rows_(rows + 2 * kReach), cols_(cols + 2 * kReach), set_at_(rows_, cols_) {
    const int reach = static_cast<int>(std::min(std::ceil(et), 1.0 * rows_ + cols_));
    for (size_t k = 0; k < centres.size(); ++k) {
      draw(static_cast<int>(k), static_cast<int>(centres[k].row) + kReach,
           static_cast<int>(centres[k].col) + kReach, et, reach);
    }
  }

  int set_at(int row, int col) const { return set_at_.plane()(row + kReach, col + kReach); }
  const std::vector<int>& members(int set) const { return members_[set]; }

 private:
  void draw(int centre, int row, int col, double et, int reach) {
    std::map<int, int> with_centre;  // set without -> set with this centre
    const int bottom = std::min(row + reach, rows_ - 1);
    for (int r = std::max(row - reach, 0); r <= bottom; ++r) {
      const double across = r - row;
      int half = reach;  // widest column distance still closer than et
      while (half >= 0 && !(std::sqrt(across * across + 1.0 * half * half) < et)) --half;
      const int right = half < 0 ? -1 : std::min(col + half, cols_ - 1);
      int32_t* sets = set_at_.plane().row(r);
      int last_seen = -1, last_set = 0;
      for (int c = std::max(col - half, 0); c <= right; ++c) {
        if (sets[c] != last_seen) {
          last_seen = sets[c];
          last_set = joined(with_centre, last_seen, centre);
        }
        sets[c] = last_set;
      }
    }
  }

  int joined(std::map<int, int>& with_centre, int set, int centre) {
    const auto [place, is_new] = with_centre.try_emplace(set, static_cast<int>(members_.size()));
    if (is_new) {
      members_.push_back(members_[set]);
      members_.back().push_back(centre);
    }
    return place->second;
  }

  const int rows_, cols_;
  ScratchPlane set_at_;
  std::vector<std::vector<int>> members_{{}};
};

void collect_members(const VectorField& field, const CoverMap& cover, std::vector<Instance>& list) {
  const int cols = field.cols();
  QuantisedRow row(cols);
  for (int r = 0; r < field.rows(); ++r) {
    quantise(field, r, row);
    int begin = 0, set = 0;
    const auto close_run = [&](int end) {
      for (int k : cover.members(set)) append_span(list[k].spans, {r, begin, end});
    };
    for (int c = 0; c < cols; ++c) {
      const int here = row.votes[c] ? cover.set_at(r + row.dy[c], c + row.dx[c]) : 0;
      if (here == set) continue;
      close_run(c);
      set = here;
      begin = c;
    }
    close_run(cols);
  }
}

}  // namespace

Instances decode_reference(const VectorField& field, const DecodeOptions& options) {
  const int rows = field.rows(), cols = field.cols();
  ScratchPlane votes(rows, cols);
  cast_votes(field, votes.plane());
  Instances found{rows, cols, centres(candidates(votes.plane(), options.vt), options.dt)};
  if (found.list.empty()) return found;
  collect_members(field, CoverMap(rows, cols, found.list, options.et), found.list);
  const auto unlisted = [](const Instance& i) { return i.pixels() <= kLargestUnlisted; };
  for (Instance& instance : found.list) instance.spans = with_holes_filled(instance.spans);
  found.list.erase(std::remove_if(found.list.begin(), found.list.end(), unlisted),
                   found.list.end());
  return found;
}

}  // namespace dcme
