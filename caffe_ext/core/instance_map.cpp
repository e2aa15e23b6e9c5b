#include "dcme/instance_map.hpp"

#include <algorithm>

#include "runs.hpp"

namespace dcme {
namespace {

// Sums over the pixels of one instance; exact, since they are integers.
struct Moments {
  int64_t rows = 0, cols = 0;
};

}  // namespace

InstanceScan::InstanceScan(Plane<const uint16_t> ids, const ClassMap* classes) {
  constexpr int kUnseen = -1, kBackground = -2;
  std::vector<int> instance_of(1 << 16, kUnseen);
  std::vector<Moments> moments;
  for_each_run(ids, [&](int row, int begin, int end, int id) {
    if (!is_instance(id)) return;
    int& known = instance_of[id];
    if (known == kBackground) return;
    if (known == kUnseen) {
      if (classes && classes->class_of(id) == 0) {
        known = kBackground;
        return;
      }
      known = static_cast<int>(instances.size());
      InstanceInfo info;
      info.id = id;
      info.label = label_of(id);
      info.box = {row, begin, row, end};
      instances.push_back(info);
      moments.emplace_back();
    }
    const int64_t length = end - begin;
    InstanceInfo& info = instances[known];
    info.pixels += length;
    info.box.left = std::min(info.box.left, begin);
    info.box.right = std::max(info.box.right, end);
    info.box.bottom = row + 1;
    moments[known].rows += length * row;
    moments[known].cols += length * (begin + end - 1) / 2;
    runs.push_back({row, begin, end, known});
  });
  for (size_t i = 0; i < instances.size(); ++i) {
    instances[i].row = static_cast<double>(moments[i].rows) / instances[i].pixels;
    instances[i].col = static_cast<double>(moments[i].cols) / instances[i].pixels;
  }
}

std::vector<InstanceInfo> instances(Plane<const uint16_t> ids, const ClassMap* classes) {
  std::vector<InstanceInfo> found = InstanceScan(ids, classes).instances;
  std::sort(found.begin(), found.end(),
            [](const InstanceInfo& a, const InstanceInfo& b) { return a.id < b.id; });
  return found;
}

}  // namespace dcme
