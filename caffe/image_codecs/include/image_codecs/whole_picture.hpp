#pragma once

#include <string>
#include <string_view>

namespace image_codecs {

// Why the content of a picture's file is not to be decoded, as the end of a sentence that begins
// with "it"; empty where it may be.
//
// A PNG or JPEG file has to reach its end mark, and it or a BMP to hold as many pixels as its
// header claims: decoders fill up what a shorter one lacks, and take the memory that it claims,
// gigabytes for a file of a few bytes. DICOM files are read by GDCM in some builds of OpenCV, which
// ends the process where one is damaged. Files of other formats that claim more than 2^26 pixels
// have to hold a byte for each 2048.
std::string picture_problem(std::string_view content);

// Whether a PNG has a palette with colours, also ones that no pixel has: what is decoded then are
// no labels, even where all are gray, as some of the colours of Pascal VOC's classes are.
bool has_colour_palette(std::string_view content);

}  // namespace image_codecs
