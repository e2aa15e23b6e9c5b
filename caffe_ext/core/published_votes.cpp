#include "published_votes.hpp"

#include <algorithm>
#include <cmath>

#include "dcme/simd.hpp"
#include "sparse_row.hpp"

namespace dcme {
namespace {

constexpr int kReach = TargetPlane::kReach;

// Truncates towards zero and wraps modulo 256. Floats from 2^31 on are multiples of 256.
inline int to_8_bits(float value) {
  const float small = std::fabs(value) < 2147483648.f ? value : 0.f;
  const auto bits = static_cast<uint32_t>(static_cast<int32_t>(small));
  return static_cast<int32_t>(bits << 24) >> 24;
}

// Negative targets count from the far end once; what is still outside lies outside.
inline int wrapped(int target, int size) { return target + (target < 0 ? size : 0); }

// Where the pixels of one row point, and the votes (0, 1 or 2) that each casts.
struct RowTargets {
  std::vector<int32_t> cells, votes;  // index into the image and votes for it; 0 votes if outside

  explicit RowTargets(int cols) : cells(cols), votes(cols) {}
};

// Fills the targets of row r, and their indices into the target plane.
DCME_SIMD_CLONES
void find_targets(const float* dx, const float* dy, int r, int rows, int cols, TargetPlane plane,
                  int32_t* cells, int32_t* votes, int32_t* targets) {
  for (int c = 0; c < cols; ++c) {
    const int x = to_8_bits(dx[c]), y = to_8_bits(dy[c]);
    // -128 has no 8-bit absolute value and counts as zero.
    const int cast = ((x != 0) & (x != -128)) + ((y != 0) & (y != -128));
    const int to_row = wrapped(r + y, rows), to_col = wrapped(c + x, cols);
    const bool inside = (to_row >= 0) & (to_row < rows) & (to_col >= 0) & (to_col < cols);
    cells[c] = to_row * cols + to_col;
    votes[c] = inside ? cast : 0;
    const int target = (r + y + kReach) * plane.cols + c + x + kReach;
    targets[c] = cast > 0 ? target : plane.nowhere();
  }
}

// Counts the votes for each pixel of the image and notes each pixel's target.
void cast_votes(const VectorField& field, TargetPlane plane, Plane<int32_t> votes,
                Plane<int32_t> targets) {
  const int rows = field.rows(), cols = field.cols();
  RowTargets row(cols);
  for (int r = 0; r < rows; ++r) {
    find_targets(field.dx.row(r), field.dy.row(r), r, rows, cols, plane, row.cells.data(),
                 row.votes.data(), targets.row(r));
    for (int c = 0; c < cols; ++c) {
      if (row.votes[c] > 0) votes.data[row.cells[c]] += row.votes[c];
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
    for_each_above(votes.row(r), votes.cols, most, [&](int c) {
      found.push_back({r, c, votes(r, c)});
    });
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

std::vector<Instance> split_into_centres(std::vector<Cell> cells, double dt) {
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

}  // namespace

PublishedVotes::PublishedVotes(const VectorField& field, const DecodeOptions& options)
    : plane_(field.rows(), field.cols()),
      targets_(field.rows(), field.cols(), ScratchPlane::Fill::kNone) {
  ScratchPlane votes(field.rows(), field.cols());
  cast_votes(field, plane_, votes.plane(), targets_.plane());
  centres_ = split_into_centres(candidates(votes.plane(), options.vt), options.dt);
}

CoverMap::CoverMap(const PublishedVotes& votes, double et)
    : size_(votes.plane()), set_at_(size_.rows + 1, size_.cols) {
  const std::vector<Instance>& centres = votes.centres();
  const int reach = static_cast<int>(std::min(std::ceil(et), 1.0 * size_.rows + size_.cols));
  for (size_t k = 0; k < centres.size(); ++k) {
    draw(static_cast<int>(k), static_cast<int>(centres[k].row) + kReach,
         static_cast<int>(centres[k].col) + kReach, et, reach);
  }
}

void CoverMap::draw(int centre, int row, int col, double et, int reach) {
  std::map<int, int> with_centre;  // set without -> set with this centre
  const int bottom = std::min(row + reach, size_.rows - 1);
  for (int r = std::max(row - reach, 0); r <= bottom; ++r) {
    const double across = r - row;
    int half = reach;  // widest column distance still closer than et
    while (half >= 0 && !(std::sqrt(across * across + 1.0 * half * half) < et)) --half;
    const int right = half < 0 ? -1 : std::min(col + half, size_.cols - 1);
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

int CoverMap::joined(std::map<int, int>& with_centre, int set, int centre) {
  const auto [place, is_new] = with_centre.try_emplace(set, static_cast<int>(members_.size()));
  if (is_new) {
    members_.push_back(members_[set]);
    members_.back().push_back(centre);
  }
  return place->second;
}

void leave_out_small(std::vector<Instance>& list) {
  constexpr int64_t kLargestUnlisted = 20;  // pixels
  const auto small = [](const Instance& i) { return i.pixels() <= kLargestUnlisted; };
  list.erase(std::remove_if(list.begin(), list.end(), small), list.end());
}

}  // namespace dcme
