#pragma once

#include <cstdint>
#include <vector>

#include "dcme/instances.hpp"

namespace dcme {

// Turns a label plane (0 = none, k + 1 = instance k) into the masks of `list`, after filling the
// holes of each instance as far as no other instance owns the pixels. Smaller instances first.
// Instances without a pixel are taken out of the list.
void take_masks(Plane<int32_t> labels, std::vector<Instance>& list);

}  // namespace dcme
