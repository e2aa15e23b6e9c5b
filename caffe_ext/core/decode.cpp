#include "dcme/decode.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "decode_modes.hpp"
#include "published_votes.hpp"
#include "vote_map.hpp"

namespace dcme {
namespace {

void check_threshold(double value, const char* name) {
  if (!(value >= 0) || !std::isfinite(value)) {
    throw std::invalid_argument(std::string(name) + " must be a number >= 0, not " +
                                std::to_string(value));
  }
}

}  // namespace

DecodeMode parse_decode_mode(const std::string& name) {
  if (name == "standard") return DecodeMode::kStandard;
  if (name == "reference") return DecodeMode::kReference;
  if (name == "watershed") return DecodeMode::kWatershed;
  throw std::invalid_argument("unknown decode mode '" + name +
                              "'; known are 'standard', 'reference' and 'watershed'");
}

Instances decode(Plane<const float> dx, Plane<const float> dy, const DecodeOptions& options) {
  require(dx.same_size(dy.rows, dy.cols), "dx and dy must have one size");
  const Plane<const uint8_t>& mask = options.foreground_mask;
  if (mask.data && !mask.same_size(dx.rows, dx.cols)) {
    throw std::invalid_argument("the foreground mask is " + size_text(mask.rows, mask.cols) +
                                " but the vectors are " + size_text(dx.rows, dx.cols));
  }
  // Cells, those of the margins around the image included, are numbered by 32 bits.
  constexpr int kMargins = 2 * std::max(VoteMap::kMostMargin + 1, TargetPlane::kReach);
  if ((int64_t{dx.rows} + kMargins) * (int64_t{dx.cols} + kMargins) > INT32_MAX) {
    throw std::invalid_argument("a field of " + size_text(dx.rows, dx.cols) +
                                " has too many pixels to decode: decode it in tiles");
  }
  check_threshold(options.dt, "dt");
  check_threshold(options.vt, "vt");
  check_threshold(options.et, "et");
  check_threshold(options.foreground, "foreground");
  require_finite(dx, dy);
  const VectorField field{dx, dy};
  switch (options.mode) {
    case DecodeMode::kReference:
      require(!mask.data, "mode 'reference' finds the foreground itself: give no mask");
      return decode_reference(field, options);
    case DecodeMode::kWatershed:
      require(!mask.data, "mode 'watershed' finds the foreground itself: give no mask");
      return decode_watershed(field, options);
    case DecodeMode::kStandard:
      break;
  }
  return decode_standard(field, options);
}

}  // namespace dcme
