#pragma once

#include <string_view>

namespace image_codecs {

// How many pixels the header of a TIFF, GIF, WebP, JPEG 2000 or AVIF file claims; 0 of others.
//
// Decoders take the memory for these before they look at the pixels, and the formats bound neither
// how often pixels may refer to the same bytes nor how large a canvas a small picture stands on.
double claimed_pixels(std::string_view content);

}  // namespace image_codecs
