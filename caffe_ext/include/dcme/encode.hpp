#pragma once

#include <cstdint>
#include <string>

#include "dcme/instance_map.hpp"

namespace dcme {

// The point of an instance that its pixels' vectors lead to (paper 1 evaluates both).
enum class Anchor {
  kMass,  // mean row and column of its pixels
  kBox,   // centre of its bounding box
};

// "mass" or "box"; anything else throws std::invalid_argument.
Anchor parse_anchor(const std::string& name);

// Vector field of an instance map: for pixel (r, c) of an instance anchored at (R, C)
// dx = C - c and dy = R - r, in pixels, x to the right and y down; zero elsewhere.
// round_centre truncates (R, C) to integers first, as the published labels were made.
// dx and dy have the size of ids. classes: see instances().
void encode(Plane<const uint16_t> ids, Plane<float> dx, Plane<float> dy,
            Anchor anchor = Anchor::kMass, bool round_centre = false,
            const ClassMap* classes = nullptr);

// Length of each vector for display: 0..255, scaled by the longest one of the image and rounded to
// nearest. NaN or infinity throws std::invalid_argument and names the pixel.
void magnitude(Plane<const float> dx, Plane<const float> dy, Plane<uint8_t> display);

}  // namespace dcme
