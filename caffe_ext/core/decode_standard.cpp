#include <algorithm>
#include <cmath>
#include <numeric>

#include "vote_map.hpp"

namespace dcme {
namespace {

// For every cell of the vote map that has votes, the nearest centre if it is less than et (plus the
// half cell that rounding costs) away; -1 elsewhere. Of equally near ones the first.
void nearest_centres(const VoteMap& map, const std::vector<FoundCentre>& centres, double et,
                     Plane<int32_t> nearest) {
  std::fill(nearest.data, nearest.data + nearest.size(), -1);
  const double reach = std::min(et + 1, static_cast<double>(map.rows()) + map.cols());
  const auto distance = [&](size_t k, int r, int c) {
    const double y = centres[k].row + map.margin() - r, x = centres[k].col + map.margin() - c;
    return y * y + x * x;
  };
  for (size_t k = 0; k < centres.size(); ++k) {
    const double row = centres[k].row + map.margin(), col = centres[k].col + map.margin();
    const int top = std::max(static_cast<int>(std::ceil(row - reach)), 0);
    const int bottom = std::min(static_cast<int>(row + reach), map.rows() - 1);
    for (int r = top; r <= bottom; ++r) {
      const double half = std::sqrt(std::max(reach * reach - (r - row) * (r - row), 0.0));
      const int left = std::max(static_cast<int>(std::ceil(col - half)), 0);
      const int right = std::min(static_cast<int>(col + half), map.cols() - 1);
      const int32_t* votes = map.votes().row(r);
      int32_t* owners = nearest.row(r);
      for (int c = left; c <= right; ++c) {
        if (votes[c] == 0) continue;
        if (owners[c] < 0 || distance(k, r, c) < distance(owners[c], r, c)) {
          owners[c] = static_cast<int32_t>(k);
        }
      }
    }
  }
}

// A regression that is in doubt answers with a shorter vector: under a squared loss p times the way
// to the centre where the pixel belongs to the instance with probability p. A pixel must come this
// share of the way. Short of one half, since nets stay short of the full way all over; found on
// fields of nuclei after little and much training, where 0.25 to 0.35 do equally well.
constexpr double kShareOfWay = 0.3;

// Sums up the targets of an instance's pixels for its sub-pixel centre.
struct TargetSum {
  double row = 0, col = 0;
  int64_t count = 0;
};

class Assignment {
 public:
  Assignment(const VectorField& field, const DecodeOptions& options, const VoteMap& map,
             const std::vector<FoundCentre>& centres)
      : field_(field),
        map_(map),
        centres_(centres),
        et_squared_(options.et * options.et),
        core_squared_(options.dt * options.dt / 4),
        by_vector_(options.foreground_mask.data == nullptr),
        nearest_(map.rows(), map.cols(), ScratchPlane::Fill::kNone),
        sums_(centres.size()) {
    nearest_centres(map, centres, options.et, nearest_.plane());
  }

  // Writes 1 + centre, or 0, for every pixel.
  void label(Plane<int32_t> labels) {
    for (int r = 0; r < field_.rows(); ++r) {
      const int32_t* cells = map_.cells().row(r);
      for (int c = 0; c < field_.cols(); ++c) {
        const int32_t k = cells[c] == VoteMap::kNone ? -1 : nearest_.plane().data[cells[c]];
        labels(r, c) = k >= 0 && belongs(r, c, k) ? k + 1 : 0;
      }
    }
  }

  // The mean target of the pixels that lead to centre k closely; the centre itself without any.
  FoundCentre refined(size_t k) const {
    const TargetSum& sum = sums_[k];
    if (sum.count == 0) return centres_[k];
    return {sum.row / sum.count, sum.col / sum.count, centres_[k].votes};
  }

 private:
  bool belongs(int r, int c, int32_t k) {
    const double dy = field_.dy(r, c), dx = field_.dx(r, c);
    const double to_row = centres_[k].row - r, to_col = centres_[k].col - c;
    const double miss = (to_row - dy) * (to_row - dy) + (to_col - dx) * (to_col - dx);
    if (!(miss < et_squared_)) return false;
    const double way = to_row * to_row + to_col * to_col;
    if (by_vector_ && dy * to_row + dx * to_col < kShareOfWay * way) return false;
    if (miss <= core_squared_) {
      sums_[k].row += r + dy;
      sums_[k].col += c + dx;
      ++sums_[k].count;
    }
    return true;
  }

  const VectorField& field_;
  const VoteMap& map_;
  const std::vector<FoundCentre>& centres_;
  const double et_squared_, core_squared_;
  const bool by_vector_;
  ScratchPlane nearest_;
  std::vector<TargetSum> sums_;
};

}  // namespace

Instances decode_standard(const VectorField& field, const DecodeOptions& options) {
  const VoteMap map(field, options);
  const std::vector<FoundCentre> centres = find_centres(map, options);
  Instances found{field.rows(), field.cols(), {}};
  if (centres.empty()) return found;
  ScratchPlane labels(field.rows(), field.cols(), ScratchPlane::Fill::kNone);
  Assignment assignment(field, options, map, centres);
  assignment.label(labels.plane());
  for (size_t k = 0; k < centres.size(); ++k) {
    const FoundCentre centre = assignment.refined(k);
    found.list.push_back({centre.row, centre.col, centre.votes, {}});
  }
  take_masks(labels.plane(), found.list);
  return found;
}

}  // namespace dcme
