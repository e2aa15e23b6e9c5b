#include "core/host_pool.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/fork.hpp"

namespace caffe {

namespace {

const std::size_t kHugePage = std::size_t(2) << 20;

// What the kernel takes back as a whole: 4 KiB on x86-64, on arm64 16 or 64 as well. Two pieces may
// not share one: what Trim gives back of a gap would take the beginning of the next piece along.
std::size_t PageSize() {
  const long size = sysconf(_SC_PAGESIZE);
  return size > 0 ? std::size_t(size) : std::size_t(64) << 10;
}

std::size_t PhysicalMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? std::size_t(pages) * PageSize() : 0;
}

// Somebody who limits a program's addresses counts on using all of them.
bool AddressesAreLimited() {
  rlimit limit;
  return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

HostPool& HostPool::Get() {
  static HostPool* pool = [] {
    auto* made = new HostPool(PhysicalMemory());
    HoldWhileForking(&made->mutex_, MutexLevel::kInner);
    return made;
  }();
  return *pool;
}

HostPool::HostPool(std::size_t capacity)
    : capacity_(capacity / kHugePage * kHugePage), pieces_(capacity_, PageSize()) {
  if (capacity_ == 0 || AddressesAreLimited()) {
    capacity_ = 0;
    return;
  }
  void* range = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) {
    capacity_ = 0;
    return;
  }
  range_ = static_cast<char*>(range);
  madvise(range_, capacity_, MADV_HUGEPAGE);
}

HostPool::~HostPool() {
  if (range_) munmap(range_, capacity_);
}

void* HostPool::Take(std::size_t bytes) {
  if (!range_) return nullptr;
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t offset = pieces_.Take(bytes);
  return offset == Pieces::kNone ? nullptr : range_ + offset;
}

bool HostPool::GiveBack(void* memory) {
  const char* address = static_cast<char*>(memory);
  if (!range_ || address < range_ || address >= range_ + capacity_) return false;
  const std::lock_guard<std::mutex> lock(mutex_);
  pieces_.GiveBack(address - range_);
  return true;
}

void HostPool::Trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& gap : pieces_.gaps()) madvise(range_ + gap.first, gap.second, MADV_DONTNEED);
}

}  // namespace caffe
