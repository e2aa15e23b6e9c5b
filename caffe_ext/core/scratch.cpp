#include "scratch.hpp"

#include <algorithm>

namespace dcme {
namespace {

constexpr size_t kMostKept = (size_t{64} << 20) / sizeof(int32_t);

struct Kept {
  std::vector<std::vector<int32_t>> buffers;
  size_t elements = 0;
};

Kept& kept() {
  static thread_local Kept kept;
  return kept;
}

}  // namespace

ScratchPlane::ScratchPlane(int rows, int cols, Fill fill) : rows_(rows), cols_(cols) {
  const size_t size = static_cast<size_t>(rows) * cols;
  auto& [buffers, elements] = kept();
  const auto fits = std::find_if(buffers.begin(), buffers.end(), [&](const auto& buffer) {
    return buffer.size() >= size && buffer.size() / 2 <= size;
  });
  if (fits == buffers.end()) {
    values_.resize(size);
    return;
  }
  values_ = std::move(*fits);
  elements -= values_.size();
  buffers.erase(fits);
  if (fill == Fill::kZero) std::fill_n(values_.begin(), size, 0);
}

ScratchPlane::~ScratchPlane() {
  auto& [buffers, elements] = kept();
  if (values_.size() > kMostKept) return;
  // The oldest make room.
  while (elements + values_.size() > kMostKept) {
    elements -= buffers.front().size();
    buffers.erase(buffers.begin());
  }
  elements += values_.size();
  buffers.push_back(std::move(values_));
}

}  // namespace dcme
