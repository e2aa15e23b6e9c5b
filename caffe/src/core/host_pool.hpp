#ifndef CAFFE_SRC_CORE_HOST_POOL_HPP_
#define CAFFE_SRC_CORE_HOST_POOL_HPP_

#include <cstddef>
#include <mutex>

#include "core/pieces.hpp"

namespace caffe {

/// Large pieces of host memory that are taken and given back many times, as a net that frees its
/// blobs early does in every pass. The system's allocator returns such pieces to the kernel, and
/// taking them again costs a page fault for every few kilobytes.
///
/// One range of addresses is reserved. Its pages are huge where the kernel has them. Any thread may
/// call.
class HostPool {
 public:
  /// Pieces smaller than this are better left to the system's allocator.
  static constexpr std::size_t kSmallest = std::size_t(64) << 10;

  /// The pool of the process; never destroyed.
  static HostPool& Get();

  /// Reserves `capacity` bytes of addresses (no memory yet). Where the process may not, or has a
  /// limit on its addresses, the pool stays empty.
  explicit HostPool(std::size_t capacity);
  ~HostPool();
  HostPool(const HostPool&) = delete;
  HostPool& operator=(const HostPool&) = delete;

  /// Memory aligned to a page, contents undefined; null where the pool has no room.
  void* Take(std::size_t bytes);
  /// False where the memory is not the pool's.
  bool GiveBack(void* memory);
  /// Returns the memory of all gaps to the system.
  void Trim();

 private:
  std::mutex mutex_;
  char* range_ = nullptr;
  std::size_t capacity_ = 0;
  Pieces pieces_;
};

/// Returns to the system what is only kept of the host's memory, pinned memory (pinned_pool.hpp)
/// included.
void TrimHostMemory();

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_HOST_POOL_HPP_
