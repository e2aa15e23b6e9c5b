#pragma once

#include <cstddef>
#include <cstdint>

namespace dcme {

// What becomes of a pixel's value v in channel k: (v - mean[k]) * gain + shift.
struct PlaneRule {
  int channels;  // at most 4
  float mean[4];
  float gain, shift;
};

// Takes a row of `cols` pixels, whose channels lie side by side, apart into planes: value k of
// pixel c goes to out[k * plane + c].
void split_row(const uint8_t* pixels, int cols, const PlaneRule& rule, size_t plane, float* out);
void split_row(const float* pixels, int cols, const PlaneRule& rule, size_t plane, float* out);

}  // namespace dcme
