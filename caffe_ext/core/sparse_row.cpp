#include "sparse_row.hpp"

#include "dcme/simd.hpp"

namespace dcme {

DCME_SIMD_CLONES
bool any_above(const int32_t* values, int count, int32_t floor) {
  int32_t found = 0;
  for (int i = 0; i < count; ++i) found |= values[i] > floor;
  return found != 0;
}

}  // namespace dcme
