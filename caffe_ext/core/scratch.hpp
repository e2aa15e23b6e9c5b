#pragma once

#include <cstdint>
#include <vector>

#include "dcme/image.hpp"

namespace dcme {

// A plane of working memory. Fresh pages cost more than most of the work done on them, so each
// thread keeps the memory of its last planes, up to 64 MiB, for its next ones.
class ScratchPlane {
 public:
  // Zeros, or whatever was there before.
  enum class Fill { kZero, kNone };

  ScratchPlane(int rows, int cols, Fill fill = Fill::kZero);
  ~ScratchPlane();
  ScratchPlane(const ScratchPlane&) = delete;
  ScratchPlane& operator=(const ScratchPlane&) = delete;

  Plane<int32_t> plane() { return {values_.data(), rows_, cols_}; }
  Plane<const int32_t> plane() const { return {values_.data(), rows_, cols_}; }

 private:
  int rows_, cols_;
  std::vector<int32_t> values_;  // may be larger than the plane
};

}  // namespace dcme
