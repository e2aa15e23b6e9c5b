#ifndef CAFFE_SRC_CORE_FORK_HPP_
#define CAFFE_SRC_CORE_FORK_HPP_

#include <mutex>

namespace caffe {

/// Who may wait for whom: an inner mutex may be locked while an outer one is held.
enum class MutexLevel { kOuter, kInner };

/// Has `fork` wait for a mutex and hold it meanwhile. A child process has none of its parent's
/// other threads: of a mutex that one of them held it would wait forever for the release. For
/// mutexes that are never destroyed.
void HoldWhileForking(std::mutex* mutex, MutexLevel level);

/// A new such mutex.
inline std::mutex* NewMutexHeldWhileForking(MutexLevel level) {
  auto* mutex = new std::mutex();
  HoldWhileForking(mutex, level);
  return mutex;
}

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_FORK_HPP_
