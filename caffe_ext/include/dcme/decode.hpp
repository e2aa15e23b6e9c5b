#pragma once

#include <string>

#include "dcme/instances.hpp"

namespace dcme {

enum class DecodeMode {
  kStandard,   // the method of paper 1, sub-pixel; every pixel in at most one instance
  kReference,  // what produced the published numbers, to the bit
  kWatershed,  // centres as in kReference, pixels by watershed on the vectors' lengths
};

// "standard", "reference" or "watershed"; anything else throws std::invalid_argument.
DecodeMode parse_decode_mode(const std::string& name);

// Thresholds of paper 1, in pixels, pixels and votes; the defaults are its values for SegNet.
struct DecodeOptions {
  DecodeMode mode = DecodeMode::kStandard;
  double dt = 10;  // DT: proposals closer than this make one centre
  // VT: a centre needs more votes than this; kStandard counts those within DT / 2 of a peak, and
  // without a mask wants more than vectors without a common aim would leave there by chance.
  double vt = 50;
  double et = 15;  // ET: pixels point to within this distance of their centre
  // Pixels with longer vectors are foreground. kStandard only, and not used when a mask is given.
  double foreground = 1;
  // Explicit foreground, non-zero = yes, of the field's size; kStandard only. May be absent.
  Plane<const uint8_t> foreground_mask;
};

// Finds the instances of a vector field (dx and dy of equal size). Listed by centre, top to bottom,
// then left to right (kReference, kWatershed: in the order of the splitting). NaN or infinity,
// planes of different size and negative thresholds throw std::invalid_argument.
Instances decode(Plane<const float> dx, Plane<const float> dy, const DecodeOptions& options = {});

}  // namespace dcme
