#include <algorithm>
#include <cmath>
#include <cstdint>

#include "dcme/simd.hpp"
#include "runs.hpp"
#include "take_masks.hpp"
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
constexpr float kShareOfWay = 0.3f;

// How far the pixels of an instance that lead close to its centre miss it on average, for the final
// sub-pixel centre. In whole fractions of a pixel, so that the order of adding does not matter.
struct MissSum {
  static constexpr float kUnit = 1024;  // a pixel
  static constexpr int kMost = 16;      // pixels; who misses by more is not close
  // Columns whose misses 32 bits can add up.
  static constexpr int kMostColumns = INT32_MAX / (kMost * static_cast<int>(kUnit));

  int64_t rows = 0, cols = 0, count = 0;
};

// What decides whether the pixels of one stretch of a row belong to the centre they point near.
struct StretchRule {
  float to_row;  // from the row to the centre
  float centre_col;
  float et_squared;
  float core_squared;  // pixels that miss by less count for the final centre
  float share_of_way;  // -1e30: any
};

// Writes `label` or 0 at columns [begin, end), of which there are no more than
// MissSum::kMostColumns, and adds up the misses. Also writes to the columns up
// to `stop`, which the next stretch overwrites: whole vectors are quicker than single columns.
DCME_SIMD_CLONES
void label_stretch(const float* dx, const float* dy, int begin, int end, int stop,
                   const StretchRule& rule, int32_t label, int32_t* labels, MissSum& sum) {
  int32_t rows = 0, cols = 0, count = 0;
  for (int c = begin; c < stop; ++c) {
    const float to_col = rule.centre_col - static_cast<float>(c);
    const float miss_row = rule.to_row - dy[c], miss_col = to_col - dx[c];
    const float miss = miss_row * miss_row + miss_col * miss_col;
    const float way = rule.to_row * rule.to_row + to_col * to_col;
    const float along = dy[c] * rule.to_row + dx[c] * to_col;
    const bool belongs = (miss < rule.et_squared) & (along >= rule.share_of_way * way);
    labels[c] = belongs ? label : 0;
    const bool close = belongs & (miss <= rule.core_squared) & (c < end);
    rows += close ? static_cast<int32_t>(miss_row * MissSum::kUnit) : 0;
    cols += close ? static_cast<int32_t>(miss_col * MissSum::kUnit) : 0;
    count += close;
  }
  sum.rows += rows;
  sum.cols += cols;
  sum.count += count;
}

class Assignment {
 public:
  Assignment(const VectorField& field, const DecodeOptions& options, const VoteMap& map,
             const std::vector<FoundCentre>& centres)
      : field_(field),
        map_(map),
        centres_(centres),
        nearest_(map.rows(), map.cols(), ScratchPlane::Fill::kNone),
        misses_(centres.size()) {
    rule_.et_squared = static_cast<float>(std::min(options.et * options.et, 1e30));
    const double core = std::min(options.dt / 2, double{MissSum::kMost});
    rule_.core_squared = static_cast<float>(core * core);
    // An explicit foreground has decided already.
    rule_.share_of_way = options.foreground_mask.data ? -1e30f : kShareOfWay;
    nearest_centres(map, centres, options.et, nearest_.plane());
  }

  // Writes 1 + centre, or 0, for every pixel.
  void label(Plane<int32_t> labels) {
    std::vector<int32_t> nearest(field_.cols());
    for (int r = 0; r < field_.rows(); ++r) {
      const int32_t* cells = map_.cells().row(r);
      for (int c = 0; c < field_.cols(); ++c) {
        nearest[c] = cells[c] == VoteMap::kNone ? -1 : nearest_.plane().data[cells[c]];
      }
      for (int begin = 0; begin < field_.cols();) {
        const int stop = std::min(field_.cols() - begin, MissSum::kMostColumns) + begin;
        const int end = run_end(nearest.data(), begin, stop);
        label_stretch_of(nearest[begin], r, begin, end, labels.row(r));
        begin = end;
      }
    }
  }

  // Where the pixels that lead to centre k closely point to on average; the centre without any.
  FoundCentre refined(size_t k) const {
    FoundCentre centre = centres_[k];
    const MissSum& sum = misses_[k];
    if (sum.count > 0) {
      centre.row -= static_cast<double>(sum.rows) / (sum.count * MissSum::kUnit);
      centre.col -= static_cast<double>(sum.cols) / (sum.count * MissSum::kUnit);
    }
    return centre;
  }

 private:
  void label_stretch_of(int32_t k, int r, int begin, int end, int32_t* labels) {
    if (k < 0) {
      std::fill(labels + begin, labels + end, 0);
      return;
    }
    rule_.to_row = static_cast<float>(centres_[k].row - r);
    rule_.centre_col = static_cast<float>(centres_[k].col);
    constexpr int kLanes = 16;
    const int whole = (end - begin + kLanes - 1) / kLanes * kLanes;
    label_stretch(field_.dx.row(r), field_.dy.row(r), begin, end,
                  std::min(begin + whole, field_.cols()), rule_, k + 1, labels, misses_[k]);
  }

  const VectorField& field_;
  const VoteMap& map_;
  const std::vector<FoundCentre>& centres_;
  StretchRule rule_{};
  ScratchPlane nearest_;
  std::vector<MissSum> misses_;
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
