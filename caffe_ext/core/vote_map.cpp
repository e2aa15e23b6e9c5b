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
    : image_rows_(field.rows()),
      image_cols_(field.cols()),
      margin_(static_cast<int>(std::ceil(std::min(options.dt, 128.0))) + 1),
      rows_(image_rows_ + 2 * margin_),
      cols_(image_cols_ + 2 * margin_),
      votes_(static_cast<size_t>(rows_) * cols_),
      cells_(field.dx.size()) {
  const bool masked = options.foreground_mask.data != nullptr;
  const auto threshold = static_cast<float>(options.foreground);
  const float background = masked ? -1.f : threshold * threshold;
  for (int r = 0; r < image_rows_; ++r) {
    int32_t* cells = cells_.data() + static_cast<size_t>(r) * image_cols_;
    row_cells(field.dx.row(r), field.dy.row(r), r, image_cols_, background, margin_, rows_, cols_,
              cells);
    if (masked) {
      const uint8_t* mask = options.foreground_mask.row(r);
      for (int c = 0; c < image_cols_; ++c) cells[c] = mask[c] ? cells[c] : kNone;
    }
    for (int c = 0; c < image_cols_; ++c) {
      if (cells[c] != kNone) ++votes_[cells[c]];
    }
  }
}

}  // namespace dcme
