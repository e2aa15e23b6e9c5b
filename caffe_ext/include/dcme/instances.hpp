#pragma once

#include <cstdint>
#include <vector>

#include "dcme/image.hpp"

namespace dcme {

// Columns [begin, end) of a row.
struct Span {
  int row, begin, end;
};

// Adds a span after those in `spans`, joined to the last one if it goes on where that ends.
inline void append_span(std::vector<Span>& spans, const Span& span) {
  if (!spans.empty() && spans.back().row == span.row && spans.back().end == span.begin) {
    spans.back().end = span.end;
  } else {
    spans.push_back(span);
  }
}

// One decoded instance. Its mask is kept as spans in reading order, none touching the next, since
// hundreds of full masks would fill the memory.
struct Instance {
  double row = 0, col = 0;  // centre in pixels; the top left pixel is (0, 0)
  int64_t votes = 0;        // how many votes its centre had
  std::vector<Span> spans;

  int64_t pixels() const;
  Box box() const;
};

// What decode() finds in a vector field of rows x cols pixels.
struct Instances {
  int rows = 0, cols = 0;
  std::vector<Instance> list;

  // Writes the mask of one instance as 0/1.
  void mask(size_t index, Plane<uint8_t> mask) const;
  // Writes 1 + index at the pixels of each instance, 0 elsewhere. Where masks overlap (mode
  // reference only) the instance listed first keeps the pixel.
  void label_map(Plane<int32_t> labels) const;
  // The same of some instances only, later ones over earlier ones. An index that is none throws
  // std::invalid_argument.
  void label_map(Plane<int32_t> labels, const std::vector<int>& upwards) const;
};

// The pixels of each of the values 1..count of a label map; others belong to none.
std::vector<std::vector<Span>> spans_of(Plane<const int32_t> labels, size_t count);

// The mean of `values` over the pixels of each instance. A plane of another size than the
// instances' throws std::invalid_argument.
std::vector<double> means_over(const Instances& instances, Plane<const float> values);

// How far from its centre the pixels of each instance point, in pixels: the mean over its mask. The
// field must have the instances' size, else std::invalid_argument.
std::vector<double> spreads(const Instances& instances, Plane<const float> dx,
                            Plane<const float> dy);

// How far the centre of mass of each mask lies from the centre its pixels voted for, in pixels:
// large for a part that was cut off its instance.
std::vector<double> offsets(const Instances& instances);

// The gaps within rows of `spans` (in reading order, none touching the next) from which no path
// over 4-neighbours leads out of the shape: its holes.
std::vector<Span> enclosed_gaps(const std::vector<Span>& spans);

// The shape with its holes filled.
std::vector<Span> with_holes_filled(const std::vector<Span>& spans);

// Enlarges the mask of one instance to the size of `mask` (0/1) as the published method does:
// OpenCV's INTER_CUBIC on 0/255, every non-zero value counts.
void mask_full_resolution(const Instances& instances, size_t index, Plane<uint8_t> mask);

}  // namespace dcme
