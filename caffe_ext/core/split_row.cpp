#include "dcme/split_row.hpp"

#include "dcme/simd.hpp"

namespace dcme {
namespace {

template <int Channels, typename T>
inline void split(const T* pixels, int cols, const PlaneRule& rule, size_t plane, float* out) {
  for (int k = 0; k < Channels; ++k) {
    float* row = out + k * plane;
    const float mean = rule.mean[k];
    for (int c = 0; c < cols; ++c) {
      row[c] = (static_cast<float>(pixels[c * Channels + k]) - mean) * rule.gain + rule.shift;
    }
  }
}

template <typename T>
inline void split_any(const T* pixels, int cols, const PlaneRule& rule, size_t plane, float* out) {
  switch (rule.channels) {
    case 1:
      return split<1>(pixels, cols, rule, plane, out);
    case 3:
      return split<3>(pixels, cols, rule, plane, out);
    default:
      for (int k = 0; k < rule.channels; ++k) {
        for (int c = 0; c < cols; ++c) {
          const float value = static_cast<float>(pixels[c * rule.channels + k]);
          out[k * plane + c] = (value - rule.mean[k]) * rule.gain + rule.shift;
        }
      }
  }
}

}  // namespace

DCME_SIMD_CLONES
void split_row(const uint8_t* pixels, int cols, const PlaneRule& rule, size_t plane, float* out) {
  split_any(pixels, cols, rule, plane, out);
}

DCME_SIMD_CLONES
void split_row(const float* pixels, int cols, const PlaneRule& rule, size_t plane, float* out) {
  split_any(pixels, cols, rule, plane, out);
}

}  // namespace dcme
