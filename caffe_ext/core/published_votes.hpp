#pragma once

#include <map>
#include <vector>

#include "decode_modes.hpp"
#include "scratch.hpp"

// Steps 1 to 3 of the decoder that produced the published numbers, with all their accidents: 8-bit
// vectors, one vote for each non-zero component, wrapped targets, centres by one pass of splitting.
namespace dcme {

// The image with a margin that no 8-bit vector leads out of, and one more row for the pixels that
// point nowhere.
struct TargetPlane {
  static constexpr int kReach = 128;  // the farthest an 8-bit component leads

  int rows, cols;

  TargetPlane(int image_rows, int image_cols)
      : rows(image_rows + 2 * kReach), cols(image_cols + 2 * kReach) {}
  int nowhere() const { return rows * cols; }
};

// What the pixels of a field vote for: where each points, and the centres of the votes.
class PublishedVotes {
 public:
  PublishedVotes(const VectorField& field, const DecodeOptions& options);

  TargetPlane plane() const { return plane_; }
  // For each pixel of the image the index into the target plane; nowhere() for background.
  Plane<const int32_t> targets() const { return targets_.plane(); }
  // In the order of the splitting, without masks.
  const std::vector<Instance>& centres() const { return centres_; }

 private:
  const TargetPlane plane_;
  ScratchPlane targets_;
  std::vector<Instance> centres_;
};

// For every cell of the target plane the set of centres less than et away. Equal sets share a
// number, so that runs of pixels can be told apart quickly; the empty set is 0.
class CoverMap {
 public:
  CoverMap(const PublishedVotes& votes, double et);

  // Indexed by target.
  const int32_t* sets() const { return set_at_.plane().data; }
  const std::vector<int>& members(int set) const { return members_[set]; }

 private:
  void draw(int centre, int row, int col, double et, int reach);
  int joined(std::map<int, int>& with_centre, int set, int centre);

  const TargetPlane size_;
  ScratchPlane set_at_;
  std::vector<std::vector<int>> members_{{}};
};

// Takes out the masks of so few pixels that the published decoder does not list them.
void leave_out_small(std::vector<Instance>& list);

}  // namespace dcme
