#pragma once

#include "dcme/decode.hpp"

namespace dcme {

// A vector field whose planes have one size and hold finite numbers only.
struct VectorField {
  Plane<const float> dx, dy;
  int rows() const { return dx.rows; }
  int cols() const { return dx.cols; }
};

Instances decode_reference(const VectorField& field, const DecodeOptions& options);
Instances decode_standard(const VectorField& field, const DecodeOptions& options);
Instances decode_watershed(const VectorField& field, const DecodeOptions& options);

}  // namespace dcme
