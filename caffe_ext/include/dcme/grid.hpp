#pragma once

#include <cstdint>
#include <vector>

#include "dcme/classes.hpp"
#include "dcme/image.hpp"

namespace dcme {

// Blocks along a side of `pixels` pixels: block b holds the pixels [b * grid_size, (b + 1) *
// grid_size). A side that is not a multiple has a partial last block, so that every pixel lies in
// one; poolings that round up, as Caffe's do, give encoder outputs of this size too. Throws
// std::invalid_argument for a grid size below 1.
inline int grid_blocks(int pixels, int grid_size) {
  require(grid_size >= 1, "the grid size must be at least 1 pixel");
  return pixels / grid_size + (pixels % grid_size > 0);  // of a sum, some would overflow
}

// Class of every block of an instance map (paper 2, section 1 of its method): the class of the
// instances in it, that first on the priority list where there are several, 0 where there is none.
// grid must have grid_blocks(ids.rows) x grid_blocks(ids.cols) elements. priority lists classes
// (1-based), all of them; empty means classes.priority(). Throws std::invalid_argument.
void grid_classes(Plane<const uint16_t> ids, int grid_size, const ClassMap& classes,
                  const std::vector<int>& priority, Plane<uint8_t> grid);

struct Classification {
  int class_index = 0;   // 0 = background
  float confidence = 0;  // probability of that class in the block
};

// Classifies a centre (row, col, in pixels) by the block it lies in. probabilities: `classes`
// planes of rows x cols blocks, background first, stored one after the other. foreground_only
// leaves the background out of the choice. A centre outside the grid counts to the nearest block.
Classification classify_centre(double row, double col, const float* probabilities, int classes,
                               int rows, int cols, int grid_size, bool foreground_only);

}  // namespace dcme
