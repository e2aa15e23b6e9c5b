#include "core/pinned_pool.hpp"

#ifndef CPU_ONLY

#include <algorithm>

#include "caffe/common.hpp"
#include "core/fork.hpp"

namespace caffe {

namespace {

// How much larger a piece may be than what is asked for, and how much may be kept for what was
// taken at a time. Pieces that are taken one after the other come to lie in a few that are kept.
const std::size_t kLarger = 2, kKept = 2;

// Waits for the GPU: without the lock, for which a thread may wait that the GPU waits for.
void Unpin(const std::vector<void*>& pieces) {
  for (void* memory : pieces) cudaFreeHost(memory);
}

}  // namespace

PinnedPool& PinnedPool::Get() {
  static PinnedPool* pool = [] {
    auto* made = new PinnedPool();
    HoldWhileForking(&made->mutex_, MutexLevel::kInner);
    return made;
  }();
  return *pool;
}

void PinnedPool::NoteTaken(void* memory, std::size_t bytes) {
  taken_.emplace(memory, bytes);
  bytes_taken_ += bytes;
  most_taken_ = std::max(most_taken_, bytes_taken_);
}

void* PinnedPool::TakeKept(std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto fit = kept_.lower_bound(bytes);
  if (fit == kept_.end() || fit->first > kLarger * bytes) return nullptr;
  const auto [size, memory] = *fit;
  kept_.erase(fit);
  bytes_kept_ -= size;
  NoteTaken(memory, size);
  return memory;
}

void* PinnedPool::Take(std::size_t bytes) {
  bytes = std::max<std::size_t>(bytes, 1);
  if (void* memory = TakeKept(bytes)) return memory;
  void* memory = nullptr;
  cudaError_t status = cudaMallocHost(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    Trim();
    status = cudaMallocHost(&memory, bytes);
  }
  CUDA_CHECK(status);
  const std::lock_guard<std::mutex> lock(mutex_);
  NoteTaken(memory, bytes);
  return memory;
}

// The smallest go first: they are pinned anew in the shortest time, and a larger one may serve.
std::vector<void*> PinnedPool::RemoveBeyond(std::size_t bytes) {
  std::vector<void*> removed;
  while (bytes_kept_ > bytes) {
    const auto smallest = kept_.begin();
    bytes_kept_ -= smallest->first;
    removed.push_back(smallest->second);
    kept_.erase(smallest);
  }
  return removed;
}

void PinnedPool::GiveBack(void* memory) {
  std::vector<void*> removed;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto piece = taken_.find(memory);
    const std::size_t size = piece->second;
    taken_.erase(piece);
    bytes_taken_ -= size;
    kept_.emplace(size, memory);
    bytes_kept_ += size;
    removed = RemoveBeyond(kKept * most_taken_);
  }
  Unpin(removed);
}

void PinnedPool::Trim() {
  std::vector<void*> removed;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    removed = RemoveBeyond(0);
    most_taken_ = bytes_taken_;
  }
  Unpin(removed);
}

}  // namespace caffe

#endif  // CPU_ONLY
