#ifndef CAFFE_SRC_CORE_PINNED_POOL_HPP_
#define CAFFE_SRC_CORE_PINNED_POOL_HPP_

#ifndef CPU_ONLY

#include <cstddef>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace caffe {

/// Pinned host memory. What is given back is kept for the next one who asks: a net that frees its
/// blobs early takes the same ones in every pass, and the driver needs milliseconds to pin a large
/// piece, and waits for the GPU to unpin it. Any thread may call.
class PinnedPool {
 public:
  /// The pool of the process; never destroyed.
  static PinnedPool& Get();

  /// Memory with undefined contents. Throws Error where there is none.
  void* Take(std::size_t bytes);
  /// Nothing that is queued may use it any more.
  void GiveBack(void* memory);
  /// Returns what is kept to the system.
  void Trim();

 private:
  // Null where no kept piece has about that size.
  void* TakeKept(std::size_t bytes);
  // Under the lock.
  void NoteTaken(void* memory, std::size_t bytes);
  std::vector<void*> RemoveBeyond(std::size_t bytes);

  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> taken_;
  std::multimap<std::size_t, void*> kept_;  // by size
  std::size_t bytes_taken_ = 0, bytes_kept_ = 0;
  std::size_t most_taken_ = 0;  // since the last Trim
};

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_SRC_CORE_PINNED_POOL_HPP_
