#ifndef CAFFE_SRC_CUDNN_TRIALS_HPP_
#define CAFFE_SRC_CUDNN_TRIALS_HPP_

/// How the fastest of several ways to compute the same thing is found; only for files in this
/// folder.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

#include "caffe/common.hpp"
#include "cudnn/question.hpp"

namespace caffe {
namespace cudnn {

/// Bytes of temporary memory: Scratch::kWorkspace, and kWeights where a way needs them apart.
struct TemporaryMemory {
  size_t workspace = 0, weights = 0;

  size_t bytes() const { return workspace + weights; }
  /// Whether the GPU has that much, which is taken for it then.
  bool TryTake() const;
  /// Throws OutOfDeviceMemory where it has not.
  void Take() const;
  /// Gives back what is taken for these uses.
  void Release() const;
};

/// What a way costs: microseconds, infinite where it cannot do it, and bytes of temporary memory.
struct Cost {
  float time;
  size_t memory;
};

/// The place of the way to take, -1 where none can do it: the fastest, but one that needs much more
/// memory than another has to be 5 % faster. The order in which they stand does not matter.
int BestOf(const std::vector<Cost>& costs);

/// "name: 1.2 ms, 3 MiB", for the log.
string TextOf(const string& name, const Cost& cost);

/// The microseconds of what `run` queues, the least of two runs behind one that does not count;
/// infinite where one of them returns false. What is slow beside `best` is measured once.
float Measure(const std::function<bool()>& run, float best);

/// Tries ways to compute a thing, `what` for the log. With CAFFE_DETERMINISTIC=1 the first one that
/// can do it is taken, and what happens to be free must not decide.
template <typename Way>
class Trials {
 public:
  explicit Trials(const string& what) : what_(what) {}

  /// Whether there is the memory that a way needs.
  bool HasRoom(const TemporaryMemory& memory) {
    taken_.workspace = std::max(taken_.workspace, memory.workspace);
    taken_.weights = std::max(taken_.weights, memory.weights);
    if (TakesFirstWay() || memory.TryTake()) return true;
    if (lacked_.bytes() == 0 || memory.bytes() < lacked_.bytes()) lacked_ = memory;
    return false;
  }

  /// Tries a way by calling `run`, which queues it, or returns false where it cannot do it. Whether
  /// it is the best one so far.
  bool Try(const Way& way, const string& name, const TemporaryMemory& memory,
           const std::function<bool()>& run) {
    if (IsDecided()) return false;
    const float best = Best() ? costs_[best_].time : std::numeric_limits<float>::infinity();
    ways_.push_back(way);
    names_.push_back(name);
    costs_.push_back({Measure(run, best), memory.bytes()});
    VLOG(2) << "Convolution: tried " << Text(costs_.size() - 1);
    best_ = BestOf(costs_);
    return best_ + 1 == static_cast<int>(costs_.size());
  }

  /// The best way so far, null where there is none.
  const Way* Best() const { return best_ < 0 ? nullptr : &ways_[best_]; }
  /// Whether no other one is tried any more.
  bool IsDecided() const { return Best() && TakesFirstWay(); }

  /// The best way; what the trials needed goes back to the GPU. Null where there is none, and
  /// OutOfDeviceMemory is thrown where one might have been there with more memory.
  const Way* End() {
    taken_.Release();
    if (!Best()) lacked_.Take();
    if (Best()) VLOG(1) << "Convolution: " << what_ << " by " << Text(best_);
    return Best();
  }

 private:
  string Text(int i) const { return TextOf(names_[i], costs_[i]); }

  const string what_;
  std::vector<Way> ways_;
  std::vector<string> names_;
  std::vector<Cost> costs_;
  int best_ = -1;
  /// The most for which there was to be room, and the least for which there was none.
  TemporaryMemory taken_, lacked_;
};

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_TRIALS_HPP_
