#include "core/host_pool.hpp"

#include <cstdint>
#include <iterator>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace caffe {

namespace {

const std::size_t kPage = 4096;
const std::size_t kHugePage = std::size_t(2) << 20;

std::size_t RoundUp(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::size_t PhysicalMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? std::size_t(pages) * std::size_t(size) : 0;
}

// Somebody who limits a program's addresses counts on using all of them.
bool AddressesAreLimited() {
  rlimit limit;
  return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

HostPool& HostPool::Get() {
  static HostPool* pool = new HostPool(PhysicalMemory());
  return *pool;
}

HostPool::HostPool(std::size_t capacity) : capacity_(capacity / kHugePage * kHugePage) {
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

void HostPool::AddGap(std::size_t offset, std::size_t size) {
  gaps_.emplace(offset, size);
  gaps_by_size_.emplace(size, offset);
}

void HostPool::RemoveGap(std::map<std::size_t, std::size_t>::iterator gap) {
  gaps_by_size_.erase({gap->second, gap->first});
  gaps_.erase(gap);
}

void* HostPool::Take(std::size_t bytes) {
  if (bytes > capacity_) return nullptr;
  const std::size_t size = RoundUp(bytes, kPage);
  const std::lock_guard<std::mutex> lock(mutex_);
  std::size_t offset = extent_;
  const auto fit = gaps_by_size_.lower_bound({size, 0});
  if (fit != gaps_by_size_.end()) {
    const std::size_t found = fit->first;
    offset = fit->second;
    RemoveGap(gaps_.find(offset));
    if (found > size) AddGap(offset + size, found - size);
  } else {
    if (size > capacity_ - extent_) return nullptr;
    // A gap at the end is the beginning of what is needed.
    if (!gaps_.empty()) {
      const auto last = std::prev(gaps_.end());
      if (last->first + last->second == extent_) {
        offset = last->first;
        RemoveGap(last);
      }
    }
    extent_ = offset + size;
  }
  pieces_.emplace(offset, size);
  taken_ += size;
  return range_ + offset;
}

bool HostPool::GiveBack(void* memory) {
  const char* address = static_cast<char*>(memory);
  if (!range_ || address < range_ || address >= range_ + capacity_) return false;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto piece = pieces_.find(address - range_);
  std::size_t begin = piece->first, end = piece->first + piece->second;
  taken_ -= piece->second;
  pieces_.erase(piece);
  const auto next = gaps_.lower_bound(begin);
  if (next != gaps_.end() && next->first == end) {
    end += next->second;
    RemoveGap(next);
  }
  const auto after = gaps_.lower_bound(begin);
  if (after != gaps_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == begin) {
      begin = before->first;
      RemoveGap(before);
    }
  }
  AddGap(begin, end - begin);
  return true;
}

void HostPool::Trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& gap : gaps_) madvise(range_ + gap.first, gap.second, MADV_DONTNEED);
}

}  // namespace caffe
