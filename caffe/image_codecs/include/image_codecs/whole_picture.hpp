#pragma once

#include <string_view>

namespace image_codecs {

// Whether the content of a PNG or JPEG file reaches its end mark, and it or a BMP can hold as many
// pixels as its header claims. Decoders fill up what a shorter one lacks, and take the memory that
// it claims: gigabytes for a file of a few bytes. Of other formats nothing is known: true.
bool is_whole_picture(std::string_view content);

// Whether the content is a DICOM file. Some builds of OpenCV read these by GDCM, which ends the
// process where one is damaged: they are not to be decoded.
bool is_dicom(std::string_view content);

// Whether a PNG has a palette with colours, also ones that no pixel has: what is decoded then are
// no labels, even where all are gray, as some of the colours of Pascal VOC's classes are.
bool has_colour_palette(std::string_view content);

}  // namespace image_codecs
