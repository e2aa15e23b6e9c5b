#include "cudnn/trials.hpp"

#include "caffe/util/benchmark.hpp"
#include "caffe/util/plain_text.hpp"
#include "gpu/scratch.hpp"

namespace caffe {
namespace cudnn {

namespace {

const float kNever = std::numeric_limits<float>::infinity();
const size_t kMuchMemory = size_t(256) << 20;
const float kWorthMemory = 0.95f;

}  // namespace

bool TemporaryMemory::TryTake() const {
  const auto take = [this] {
    return HasRoom(Scratch::kWorkspace, workspace) && HasRoom(Scratch::kWeights, weights);
  };
  if (take()) return true;
  // What another way was tried with may be in the way.
  ReleaseDeviceScratch(Scratch::kWorkspace);
  return take();
}

void TemporaryMemory::Take() const {
  if (workspace) DeviceScratch(Scratch::kWorkspace, workspace);
  if (weights) DeviceScratch(Scratch::kWeights, weights);
}

void TemporaryMemory::Release() const {
  if (workspace) ReleaseDeviceScratch(Scratch::kWorkspace);
  if (weights) ReleaseDeviceScratch(Scratch::kWeights);
}

// Of those that are hardly slower than the fastest, the one that needs the least memory sets how
// much the others may need.
int BestOf(const std::vector<Cost>& costs) {
  float fastest = kNever;
  for (const Cost& cost : costs) fastest = std::min(fastest, cost.time);
  const auto is_near = [&](const Cost& cost) {
    return cost.time < kNever && kWorthMemory * cost.time <= fastest;
  };
  size_t least = std::numeric_limits<size_t>::max();
  for (const Cost& cost : costs) {
    if (is_near(cost)) least = std::min(least, cost.memory);
  }
  int best = -1;
  for (size_t i = 0; i < costs.size(); ++i) {
    const Cost& cost = costs[i];
    if (!is_near(cost) || cost.memory - least > kMuchMemory) continue;
    if (best < 0 || cost.time < costs[best].time) best = static_cast<int>(i);
  }
  return best;
}

string TextOf(const string& name, const Cost& cost) {
  PlainText text;
  text << name << ": " << cost.time / 1000 << " ms, " << (cost.memory >> 20) << " MiB";
  return text.str();
}

float Measure(const std::function<bool()>& run, float best) {
  // Libraries and kernels are loaded when they are first needed, which may take longer than all
  // trials together.
  if (!run()) return kNever;
  Timer timer;
  float least = kNever;
  for (int i = 0; i < 2; ++i) {
    // A training queues its work ahead: the host's time for it must not count. The first time the
    // GPU is still busy with the run before, for which nobody has waited.
    timer.Start();
    if (!run()) return kNever;
    least = std::min(least, timer.MicroSeconds());
    if (least >= 3 * best) break;
  }
  return least;
}

}  // namespace cudnn
}  // namespace caffe
