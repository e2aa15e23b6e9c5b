#include <cmath>
#include <limits>

#include "dcme/image.hpp"
#include "dcme/simd.hpp"

namespace dcme {
namespace {

// Without a way out of the loop, which then runs on vectors. A NaN compares as false.
DCME_SIMD_CLONES
bool row_is_finite(const float* values, int cols) {
  int bad = 0;
  for (int c = 0; c < cols; ++c)
    bad |= !(std::fabs(values[c]) <= std::numeric_limits<float>::max());
  return bad == 0;
}

}  // namespace

void require_finite(Plane<const float> dx, Plane<const float> dy) {
  for (int r = 0; r < dx.rows; ++r) {
    if (row_is_finite(dx.row(r), dx.cols) && row_is_finite(dy.row(r), dy.cols)) continue;
    for (int c = 0; c < dx.cols; ++c) {
      if (std::isfinite(dx(r, c)) && std::isfinite(dy(r, c))) continue;
      throw std::invalid_argument("the vector at row " + std::to_string(r) + ", column " +
                                  std::to_string(c) + " is (dx " + std::to_string(dx(r, c)) +
                                  ", dy " + std::to_string(dy(r, c)) + "); it must be finite");
    }
  }
}

}  // namespace dcme
