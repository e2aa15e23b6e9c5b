#include "dcme/encode.hpp"

#include <algorithm>
#include <cmath>

#include "dcme/simd.hpp"
#include "runs.hpp"

namespace dcme {
namespace {

struct Centre {
  double row, col;
};

Centre anchor_of(const InstanceInfo& info, Anchor anchor, bool round_centre) {
  Centre centre{info.row, info.col};
  if (anchor == Anchor::kBox) {
    centre = {(info.box.top + info.box.bottom - 1) / 2.0,
              (info.box.left + info.box.right - 1) / 2.0};
  }
  if (round_centre) centre = {std::trunc(centre.row), std::trunc(centre.col)};
  return centre;
}

DCME_SIMD_CLONES
void fill_run(float* dx, float* dy, int begin, int end, double centre_col, float to_row) {
  for (int c = begin; c < end; ++c) dx[c] = static_cast<float>(centre_col - c);
  for (int c = begin; c < end; ++c) dy[c] = to_row;
}

void check_planes(int rows, int cols, int dx_rows, int dx_cols, int dy_rows, int dy_cols) {
  require(rows == dx_rows && cols == dx_cols && rows == dy_rows && cols == dy_cols,
          "dx, dy and the map they belong to must have one size");
}

// The largest squared length of a row; NaN and infinity come out as infinity.
DCME_SIMD_CLONES
float longest_squared(const float* dx, const float* dy, int cols) {
  float longest = 0;
  for (int c = 0; c < cols; ++c) {
    const float squared = dx[c] * dx[c] + dy[c] * dy[c];
    longest = squared <= longest ? longest : squared;
  }
  return longest;
}

DCME_SIMD_CLONES
void display_row(const float* dx, const float* dy, int cols, float scale, uint8_t* out) {
  for (int c = 0; c < cols; ++c) {
    out[c] = static_cast<uint8_t>(
        static_cast<int>(std::sqrt(dx[c] * dx[c] + dy[c] * dy[c]) * scale + 0.5f));
  }
}

}  // namespace

Anchor parse_anchor(const std::string& name) {
  if (name == "mass") return Anchor::kMass;
  if (name == "box") return Anchor::kBox;
  throw std::invalid_argument("unknown anchor '" + name + "'; known are 'mass' and 'box'");
}

void encode(Plane<const uint16_t> ids, Plane<float> dx, Plane<float> dy, Anchor anchor,
            bool round_centre, const ClassMap* classes) {
  check_planes(ids.rows, ids.cols, dx.rows, dx.cols, dy.rows, dy.cols);
  const InstanceScan scan(ids, classes);
  std::vector<Centre> centres;
  centres.reserve(scan.instances.size());
  for (const InstanceInfo& info : scan.instances) {
    centres.push_back(anchor_of(info, anchor, round_centre));
  }
  auto run = scan.runs.begin();
  for (int r = 0; r < ids.rows; ++r) {
    float* row_dx = dx.row(r);
    float* row_dy = dy.row(r);
    int done = 0;
    for (; run != scan.runs.end() && run->row == r; ++run) {
      const Centre& centre = centres[run->instance];
      std::fill(row_dx + done, row_dx + run->begin, 0.f);
      std::fill(row_dy + done, row_dy + run->begin, 0.f);
      fill_run(row_dx, row_dy, run->begin, run->end, centre.col,
               static_cast<float>(centre.row - r));
      done = run->end;
    }
    std::fill(row_dx + done, row_dx + ids.cols, 0.f);
    std::fill(row_dy + done, row_dy + ids.cols, 0.f);
  }
}

void magnitude(Plane<const float> dx, Plane<const float> dy, Plane<uint8_t> display) {
  check_planes(display.rows, display.cols, dx.rows, dx.cols, dy.rows, dy.cols);
  require_finite(dx, dy);
  float longest = 0;
  for (int r = 0; r < dx.rows; ++r) {
    longest = std::max(longest, longest_squared(dx.row(r), dy.row(r), dx.cols));
  }
  require(std::isfinite(longest), "vectors too long to take their length in single precision");
  const float scale = longest > 0 ? 255.f / std::sqrt(longest) : 0.f;
  for (int r = 0; r < dx.rows; ++r) {
    display_row(dx.row(r), dy.row(r), dx.cols, scale, display.row(r));
  }
}

}  // namespace dcme
