#include <algorithm>
#include <cmath>

#include "vote_map.hpp"

namespace dcme {
namespace {

// Standard deviations by which votes must exceed what chance would leave. Noise all over 340x680
// pixels has about 2000 peaks, and makes one centre in some such images.
constexpr double kBeyondChance = 4;
constexpr double kSkewness = (kBeyondChance * kBeyondChance - 1) / 6;

bool beyond_chance(int64_t votes, int64_t voters) {
  const double expected =
      static_cast<double>(voters) + 1;  // where no pixel happens to vote, one might
  return static_cast<double>(votes) > expected + kBeyondChance * std::sqrt(expected) + kSkewness;
}

// Calls visit(row, col) for the cells that are `distance` rows or columns from a cell, and not
// more, within a plane of that size.
template <typename Visit>
void visit_ring(int row, int col, int distance, int rows, int cols, Visit visit) {
  const int left = std::max(col - distance, 0), right = std::min(col + distance, cols - 1);
  const int bottom = std::min(row + distance, rows - 1);
  for (int r = std::max(row - distance, 0); r <= bottom; ++r) {
    const bool whole = std::abs(r - row) == distance;
    const int step = whole ? 1 : 2 * distance;
    for (int c = whole ? left : col - distance; c <= right; c += step) {
      if (c >= 0) visit(r, c);
    }
  }
}

}  // namespace

bool gathers_votes(const VoteMap& map, Plane<const int32_t> votes, int row, int col, int radius) {
  const Plane<const int32_t> cells = map.cells();
  int64_t inside = 0, voters = 0;
  for (int distance = 0; distance <= radius; ++distance) {
    visit_ring(row, col, distance, votes.rows, votes.cols,
               [&](int r, int c) { inside += votes(r, c); });
    visit_ring(row - map.margin(), col - map.margin(), distance, cells.rows, cells.cols,
               [&](int r, int c) {
                 voters += cells(r, c) != VoteMap::kNone && votes.data[cells(r, c)] > 0;
               });
    if (beyond_chance(inside, voters)) return true;
  }
  return false;
}

}  // namespace dcme
