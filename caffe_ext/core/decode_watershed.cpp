// Paper 1's alternative: the published decoder with step 4 replaced by a watershed on the lengths
// of the vectors.
#include <algorithm>
#include <cmath>
#include <limits>

#include "published_votes.hpp"
#include "take_masks.hpp"

namespace dcme {
namespace {

// Floods the lengths of the vectors from the centres: lengths grow from each centre outwards and
// are largest where two instances meet, so the basins are the instances.
class Flood {
 public:
  Flood(const VectorField& field, const PublishedVotes& votes, Plane<int32_t> labels)
      : field_(field), votes_(votes), labels_(labels) {}

  // Each centre's flood begins at those of its pixels (that point to within et of it) which are
  // nearest to it. Around the centre itself vectors are too short to be foreground, and it may lie
  // outside its instance.
  void seed(double et) {
    const CoverMap cover(votes_, et);
    std::vector<double> nearest(votes_.centres().size(), std::numeric_limits<double>::infinity());
    for_each_member(
        cover, [&](int r, int c, int k) { nearest[k] = std::min(nearest[k], distance(r, c, k)); });
    for_each_member(cover, [&](int r, int c, int k) {
      if (distance(r, c, k) <= nearest[k] + kSeedWidth) take(r, c, k + 1, 0);
    });
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
  static constexpr double kSeedWidth = 1;  // pixels: enough to lie all around the centre
  static constexpr int kLevelsPerPixel = 4;
  static constexpr int kLevels = 1 << 14;

  struct Pixel {
    int row, col;
  };

  template <typename Visit>
  void for_each_member(const CoverMap& cover, Visit visit) const {
    for (int r = 0; r < labels_.rows; ++r) {
      for (int c = 0; c < labels_.cols; ++c) {
        for (int k : cover.members(cover.sets()[votes_.targets()(r, c)])) visit(r, c, k);
      }
    }
  }

  double distance(int r, int c, int k) const {
    return std::hypot(r - votes_.centres()[k].row, c - votes_.centres()[k].col);
  }

  void spread(int r, int c, int32_t label, size_t from_level) {
    if (r < 0 || c < 0 || r >= labels_.rows || c >= labels_.cols) return;
    if (votes_.targets()(r, c) == votes_.plane().nowhere()) return;
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
  const PublishedVotes& votes_;
  const Plane<int32_t> labels_;
  std::vector<std::vector<Pixel>> queues_ = std::vector<std::vector<Pixel>>(kLevels);
};

}  // namespace

Instances decode_watershed(const VectorField& field, const DecodeOptions& options) {
  const PublishedVotes votes(field, options);
  Instances found{field.rows(), field.cols(), votes.centres()};
  if (found.list.empty()) return found;
  ScratchPlane labels(field.rows(), field.cols());
  Flood flood(field, votes, labels.plane());
  flood.seed(options.et);
  flood.run();
  take_masks(labels.plane(), found.list);
  leave_out_small(found.list);
  return found;
}

}  // namespace dcme
