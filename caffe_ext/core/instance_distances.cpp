#include <algorithm>

#include "dcme/evaluate.hpp"
#include "runs.hpp"

namespace dcme {
namespace {

// Cityscapes' files hold 256 * disparity + 1; 0 where nothing was measured. Without disparity a
// pixel is infinitely far away.
double metres(uint16_t stored, const StereoCamera& camera) {
  return camera.baseline * camera.focal_length / ((stored - 1) / 256.0);
}

// Of an even number of values the mean of the two in the middle.
double median_metres(std::vector<uint16_t>& stored, const StereoCamera& camera) {
  const auto middle = stored.begin() + static_cast<std::ptrdiff_t>(stored.size() / 2);
  std::nth_element(stored.begin(), middle, stored.end());
  const double upper = metres(*middle, camera);
  if (stored.size() % 2 == 1) return upper;
  return (metres(*std::max_element(stored.begin(), middle), camera) + upper) / 2;
}

}  // namespace

std::map<int, InstanceDistance> instance_distances(Plane<const uint16_t> ids,
                                                   Plane<const uint16_t> disparity,
                                                   const StereoCamera& camera) {
  if (!ids.same_size(disparity.rows, disparity.cols)) {
    throw std::invalid_argument("the disparity is " + size_text(disparity.rows, disparity.cols) +
                                " but the instance map " + size_text(ids.rows, ids.cols));
  }
  require(camera.baseline > 0 && camera.focal_length > 0,
          "a camera's baseline and focal length must be above 0");
  std::map<int, std::vector<uint16_t>> measured;
  std::map<int, int64_t> pixels;
  for_each_run(ids, [&](int row, int begin, int end, int id) {
    if (!is_instance(id)) return;
    pixels[id] += end - begin;
    std::vector<uint16_t>& values = measured[id];
    for (int c = begin; c < end; ++c) {
      if (disparity(row, c) != 0) values.push_back(disparity(row, c));
    }
  });
  std::map<int, InstanceDistance> distances;
  for (auto& [id, values] : measured) {
    if (values.empty()) continue;
    distances[id] = {median_metres(values, camera),
                     static_cast<double>(values.size()) / static_cast<double>(pixels[id])};
  }
  return distances;
}

}  // namespace dcme
