#include "vote_map.hpp"

#include <algorithm>
#include <cmath>

#include "dcme/simd.hpp"

namespace dcme {
namespace {

// Cell that each pixel of a row votes for: its target rounded to nearest, shifted by the margin.
// Pixels without a vote get kNone. `background` is the squared length that does not count yet.
DCME_SIMD_CLONES
void row_cells(const float* dx, const float* dy, int row, int cols, float background, int margin,
               int map_rows, int map_cols, int32_t* cells) {
  const float top = static_cast<float>(row + margin) + 0.5f;
  const auto height = static_cast<float>(map_rows), width = static_cast<float>(map_cols);
  for (int c = 0; c < cols; ++c) {
    const float y = top + dy[c], x = static_cast<float>(c + margin) + 0.5f + dx[c];
    const bool counts = (dx[c] * dx[c] + dy[c] * dy[c] > background) & (y >= 0.f) & (y < height) &
                        (x >= 0.f) & (x < width);
    const int cell =
        static_cast<int>(counts ? y : 0.f) * map_cols + static_cast<int>(counts ? x : 0.f);
    cells[c] = counts ? cell : VoteMap::kNone;
  }
}

}  // namespace

VoteMap::VoteMap(const VectorField& field, const DecodeOptions& options)
    : margin_(static_cast<int>(std::ceil(std::min<double>(options.dt, kMostMargin))) + 1),
      votes_(field.rows() + 2 * margin_, field.cols() + 2 * margin_),
      cells_(field.rows(), field.cols(), ScratchPlane::Fill::kNone) {
  const bool masked = options.foreground_mask.data != nullptr;
  const auto threshold = static_cast<float>(options.foreground);
  const float background = masked ? -1.f : threshold * threshold;
  int32_t* votes = votes_.plane().data;
  const int cols = field.cols();
  for (int r = 0; r < field.rows(); ++r) {
    int32_t* cells = cells_.plane().row(r);
    row_cells(field.dx.row(r), field.dy.row(r), r, cols, background, margin_, rows(), this->cols(),
              cells);
    if (masked) {
      const uint8_t* mask = options.foreground_mask.row(r);
      for (int c = 0; c < cols; ++c) cells[c] = mask[c] ? cells[c] : kNone;
    }
    for (int c = 0; c < cols; ++c) {
      if (cells[c] != kNone) ++votes[cells[c]];
    }
  }
}

}  // namespace dcme
