#pragma once

#include <cstdint>
#include <vector>

#include "dcme/classes.hpp"
#include "dcme/image.hpp"

namespace dcme {

// What one instance of an instance map looks like. Centres are in pixels, pixel (0, 0) being the
// top left one; they are means of pixel indices, hence sub-pixel.
struct InstanceInfo {
  int id = 0;
  int label = 0;  // id / 1000
  int64_t pixels = 0;
  double row = 0;  // centre of mass
  double col = 0;
  Box box;  // smallest rectangle around it
};

// The instances of a map in ascending order of id. Ids below 1000 are not instances; with `classes`
// neither are those that it counts as background (and unknown labels throw).
std::vector<InstanceInfo> instances(Plane<const uint16_t> ids, const ClassMap* classes = nullptr);

// Reduces an instance map to reduced.rows x reduced.cols as the published method does: the binary
// 0/255 mask of each id >= 1000 is shrunk by area averaging with rounding to 8 bits (bit for bit
// what OpenCV's resize gives with INTER_AREA); wherever any of it remains (> 0) the pixel takes the
// id, higher ids over lower ones. Everything else becomes 0, so stuff and groups vanish, also where
// the size stays equal. Throws std::invalid_argument where a side would have to grow.
void reduce_ids(Plane<const uint16_t> ids, Plane<uint16_t> reduced);

}  // namespace dcme
