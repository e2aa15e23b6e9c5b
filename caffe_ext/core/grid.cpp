#include "dcme/grid.hpp"

#include <algorithm>
#include <cmath>

#include "runs.hpp"

namespace dcme {

void grid_classes(Plane<const uint16_t> ids, int grid_size, const ClassMap& classes,
                  const std::vector<int>& priority, Plane<uint8_t> grid) {
  require(grid.same_size(grid_blocks(ids.rows, grid_size), grid_blocks(ids.cols, grid_size)),
          "the grid must have one element for every block of the map, partial ones included");
  if (!priority.empty()) classes.check_priority(priority);
  const std::vector<int>& ranking = priority.empty() ? classes.priority() : priority;

  // Blocks hold ranks (0 = highest) until the end; the background comes last of all.
  const int background = classes.size();
  std::vector<int> rank_of_class(classes.size() + 1, background);
  for (int rank = 0; rank < classes.size(); ++rank) rank_of_class[ranking[rank]] = rank;
  std::fill(grid.data, grid.data + grid.size(), static_cast<uint8_t>(background));
  for_each_run(ids, [&](int row, int begin, int end, int id) {
    if (!is_instance(id)) return;
    const auto rank = static_cast<uint8_t>(rank_of_class[classes.class_of(id)]);
    uint8_t* blocks = grid.row(row / grid_size);
    for (int b = begin / grid_size; b <= (end - 1) / grid_size; ++b) {
      blocks[b] = std::min(blocks[b], rank);
    }
  });
  std::for_each(grid.data, grid.data + grid.size(), [&](uint8_t& block) {
    block = static_cast<uint8_t>(block == background ? 0 : ranking[block]);
  });
}

Classification classify_centre(double row, double col, const float* probabilities, int classes,
                               int rows, int cols, int grid_size, bool foreground_only) {
  require(grid_size >= 1, "the grid size must be at least 1 pixel");
  require(classes > (foreground_only ? 1 : 0) && rows > 0 && cols > 0,
          "the block probabilities must hold at least one class and one block");
  require(std::isfinite(row) && std::isfinite(col),
          "a centre must be a place, not NaN or infinite");
  const auto block = [grid_size](double position, int blocks) {
    const double index = std::floor(position / grid_size);
    return static_cast<int>(std::min(std::max(index, 0.0), blocks - 1.0));
  };
  const size_t plane = static_cast<size_t>(rows) * cols;
  const float* here =
      probabilities + static_cast<size_t>(block(row, rows)) * cols + block(col, cols);
  int best = foreground_only ? 1 : 0;
  for (int k = best + 1; k < classes; ++k) {
    if (here[k * plane] > here[best * plane]) best = k;
  }
  return {best, here[best * plane]};
}

}  // namespace dcme
