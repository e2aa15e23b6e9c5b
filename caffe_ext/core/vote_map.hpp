#pragma once

#include <cstdint>
#include <vector>

#include "decode_modes.hpp"
#include "scratch.hpp"

namespace dcme {

// Where the vectors of the foreground point: one vote a pixel, counted in cells of one pixel. The
// map is larger than the image by a margin of DT on all sides, for centres at the image border.
class VoteMap {
 public:
  static constexpr int kNone = -1;  // cell of a pixel that is background or points far outside

  VoteMap(const VectorField& field, const DecodeOptions& options);

  int rows() const { return votes().rows; }  // of the map, with margins
  int cols() const { return votes().cols; }
  int margin() const { return margin_; }
  Plane<const int32_t> votes() const { return votes_.plane(); }
  // For each pixel of the image the index into votes() that it voted for, or kNone.
  Plane<const int32_t> cells() const { return cells_.plane(); }

 private:
  int margin_;
  ScratchPlane votes_, cells_;
};

// A centre in image coordinates.
struct FoundCentre {
  double row, col;
  int64_t votes;  // within half DT of its peak, per axis
};

// The centres of a vote map, in reading order: peaks of the smoothed votes that have more than vt
// votes around them, that are not within reach of a higher peak and, where a higher one is near,
// have a valley in between.
std::vector<FoundCentre> find_centres(const VoteMap& map, const DecodeOptions& options);

// Turns a label plane (0 = none, k + 1 = instance k) into the masks of `list`, after filling the
// holes of each instance as far as no other instance owns the pixels. Smaller instances first.
// Instances without a pixel are taken out of the list.
void take_masks(Plane<int32_t> labels, std::vector<Instance>& list);

}  // namespace dcme
