#pragma once

#include <cstdint>
#include <vector>

#include "decode_modes.hpp"
#include "scratch.hpp"

namespace dcme {

// Where the vectors of the foreground point: one vote a pixel, counted in cells of one pixel. The
// map is larger than the image by a margin of DT, but at most kMostMargin, and one cell on all
// sides, for centres at the image border.
class VoteMap {
 public:
  // In cells: a centre farther outside of the image is not looked for, and the map stays small
  // whatever DT is.
  static constexpr int kMostMargin = 128;
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
  int64_t votes;  // within half DT of its peak, per axis; of a sharp one within one cell
};

// Whether the votes around a cell of the map have come from further away: whether some square
// around it, of up to `radius` rows and columns to each side, holds more votes than pixels that
// cast one. Vectors without a common aim, as the noise of a background, spread the votes as evenly
// as the voters are; the votes in a square are then a Poisson number whose mean are the voters. It
// must be beyond that by four standard deviations and what the skewness adds (Cornish and Fisher's
// expansion). `votes`: those of the map that are left; pixels that voted for a cell without any do
// not count.
bool gathers_votes(const VoteMap& map, Plane<const int32_t> votes, int row, int col, int radius);

// The centres of a vote map, in reading order. Sharp ones have more than vt votes in 3x3 cells and
// next to none around. Broad ones are peaks of the smoothed votes that are left: with more than vt
// votes around them, gathered ones unless a mask says what is foreground, without a higher peak
// within reach or with a valley in between.
std::vector<FoundCentre> find_centres(const VoteMap& map, const DecodeOptions& options);

}  // namespace dcme
