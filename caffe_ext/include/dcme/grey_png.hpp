#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dcme/image.hpp"

namespace dcme {

// A grey image of 8 or 16 bits. What has fewer bits comes widened to 0..255.
struct GreyImage {
  int rows = 0, cols = 0;
  bool is_16_bit = false;
  std::vector<uint8_t> values;  // is_16_bit: native uint16_t, two bytes a pixel

  Plane<const uint8_t> bytes() const { return {values.data(), rows, cols}; }
  Plane<const uint16_t> words() const {
    return {reinterpret_cast<const uint16_t*>(values.data()), rows, cols};
  }
};

// Reads a PNG into `image`, whose memory is used again. Masks and instance maps are mostly equal
// pixels; grey PNGs without interlacing are therefore read by code that passes over equal stretches
// eight bytes at a time, some three times as fast as libpng. All others go through OpenCV; of
// colours the largest channel counts. Throws std::invalid_argument with the path for a file that is
// missing, damaged or not a PNG.
void read_grey_png(const std::string& path, GreyImage& image);

// The same of a file's `size` bytes in memory; errors call it `name`.
void read_grey_png(const std::string& name, const uint8_t* content, size_t size, GreyImage& image);

}  // namespace dcme
