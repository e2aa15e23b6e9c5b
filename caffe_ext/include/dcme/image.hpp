#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace dcme {

// A dense row-major plane owned by someone else. Every function of the core reads its input from
// and writes its result to such planes, so that NumPy arrays and blobs need no copies.
template <typename T>
struct Plane {
  T* data = nullptr;
  int rows = 0;
  int cols = 0;

  Plane() = default;
  Plane(T* data, int rows, int cols) : data(data), rows(rows), cols(cols) {}
  // A plane of T can be read as a plane of const T.
  template <typename U>
  Plane(const Plane<U>& other) : data(other.data), rows(other.rows), cols(other.cols) {}

  T* row(int r) const { return data + static_cast<size_t>(r) * cols; }
  T& operator()(int r, int c) const { return row(r)[c]; }
  size_t size() const { return static_cast<size_t>(rows) * cols; }
  bool same_size(int other_rows, int other_cols) const {
    return rows == other_rows && cols == other_cols;
  }
};

// "480x640": how sizes are written in messages.
inline std::string size_text(int rows, int cols) {
  return std::to_string(rows) + "x" + std::to_string(cols);
}

// Throws std::invalid_argument with `message` unless `condition` holds.
inline void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

// Throws std::invalid_argument naming the first pixel where dx or dy is NaN or infinite.
void require_finite(Plane<const float> dx, Plane<const float> dy);

// A half-open rectangle of pixels: rows [top, bottom), columns [left, right).
struct Box {
  int top = 0, left = 0, bottom = 0, right = 0;
};

}  // namespace dcme
