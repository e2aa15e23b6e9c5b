#include <algorithm>
#include <cmath>

#include "vote_map.hpp"

namespace dcme {
namespace {

// Floods the lengths of the vectors from the centres: lengths grow from each centre outwards and
// are largest where two instances meet, so the basins are the instances.
class Flood {
 public:
  Flood(const VectorField& field, const VoteMap& map, const DecodeOptions& options,
        Plane<int32_t> labels)
      : field_(field),
        map_(map),
        labels_(labels),
        masked_(options.foreground_mask.data != nullptr),
        near_centre_(options.foreground + 1) {}

  void seed(const FoundCentre& centre, int32_t label) {
    const int row = clamped(centre.row, labels_.rows), col = clamped(centre.col, labels_.cols);
    const int reach = static_cast<int>(std::min(near_centre_, 64.0));
    // The vectors next to the centre are too short to be foreground by themselves. A mask says what
    // is, and the centre need not be in it.
    for (int r = std::max(row - reach, 0); r <= std::min(row + reach, labels_.rows - 1); ++r) {
      for (int c = std::max(col - reach, 0); c <= std::min(col + reach, labels_.cols - 1); ++c) {
        if ((r == row && c == col) || is_foreground(r, c) != masked_) continue;
        if (std::hypot(r - row, c - col) <= near_centre_) take(r, c, label, 0);
      }
    }
    if (!masked_ || is_foreground(row, col)) take(row, col, label, 0);
  }

  void run() {
    for (size_t level = 0; level < queues_.size(); ++level) {
      // Queues grow while they are worked off, from the front: equal levels spread evenly.
      for (size_t next = 0; next < queues_[level].size(); ++next) {
        const Pixel p = queues_[level][next];
        const int32_t label = labels_(p.row, p.col);
        spread(p.row - 1, p.col, label, level);
        spread(p.row + 1, p.col, label, level);
        spread(p.row, p.col - 1, label, level);
        spread(p.row, p.col + 1, label, level);
      }
      queues_[level] = {};
    }
  }

 private:
  static constexpr int kLevelsPerPixel = 4;
  static constexpr int kLevels = 1 << 14;

  struct Pixel {
    int row, col;
  };

  static int clamped(double position, int size) {
    return std::min(std::max(static_cast<int>(std::lround(position)), 0), size - 1);
  }

  bool is_foreground(int r, int c) const { return map_.cells()(r, c) != VoteMap::kNone; }

  void spread(int r, int c, int32_t label, size_t from_level) {
    if (r < 0 || c < 0 || r >= labels_.rows || c >= labels_.cols || !is_foreground(r, c)) return;
    const float length = std::hypot(field_.dx(r, c), field_.dy(r, c));
    const float level = std::min(length * kLevelsPerPixel, static_cast<float>(kLevels - 1));
    take(r, c, label, std::max(from_level, static_cast<size_t>(level)));
  }

  void take(int r, int c, int32_t label, size_t level) {
    if (labels_(r, c) != 0) return;
    labels_(r, c) = label;
    queues_[level].push_back({r, c});
  }

  const VectorField& field_;
  const VoteMap& map_;
  const Plane<int32_t> labels_;
  const bool masked_;
  const double near_centre_;
  std::vector<std::vector<Pixel>> queues_ = std::vector<std::vector<Pixel>>(kLevels);
};

}  // namespace

Instances decode_watershed(const VectorField& field, const DecodeOptions& options) {
  const VoteMap map(field, options);
  const std::vector<FoundCentre> centres = find_centres(map, options);
  Instances found{field.rows(), field.cols(), {}};
  ScratchPlane labels(field.rows(), field.cols());
  Flood flood(field, map, options, labels.plane());
  for (const FoundCentre& centre : centres) {
    found.list.push_back({centre.row, centre.col, centre.votes, {}});
    flood.seed(centre, static_cast<int32_t>(found.list.size()));
  }
  flood.run();
  take_masks(labels.plane(), found.list);
  return found;
}

}  // namespace dcme
