#include <algorithm>
#include <cstdlib>

#include "caffe/syncedmem.hpp"
#include "core/host_pool.hpp"
#include "core/pinned_pool.hpp"

namespace caffe {

namespace {

const size_t kAlignment = 64;

}  // namespace

void CaffeMallocHost(void** ptr, size_t size, bool* use_cuda) {
  *use_cuda = false;
  *ptr = nullptr;
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    *ptr = PinnedPool::Get().Take(size);
    *use_cuda = true;
    return;
  }
#endif
  if (size >= HostPool::kSmallest) *ptr = HostPool::Get().Take(size);
  if (*ptr) return;
  const size_t rounded = (std::max<size_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
  *ptr = std::aligned_alloc(kAlignment, rounded);
  CHECK(*ptr) << "no memory for " << size << " bytes: use a smaller batch or input";
}

void CaffeFreeHost(void* ptr, bool use_cuda) {
#ifndef CPU_ONLY
  if (use_cuda) {
    if (ptr) PinnedPool::Get().GiveBack(ptr);
    return;
  }
#endif
  if (!HostPool::Get().GiveBack(ptr)) std::free(ptr);
}

void TrimHostMemory() {
  HostPool::Get().Trim();
#ifndef CPU_ONLY
  PinnedPool::Get().Trim();
#endif
}

}  // namespace caffe
