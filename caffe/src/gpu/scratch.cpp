#ifndef CPU_ONLY

#include "gpu/scratch.hpp"

#include "caffe/common.hpp"
#include "core/device_pool.hpp"
#include "core/this_device.hpp"

namespace caffe {

namespace {

class Buffer {
 public:
  ~Buffer() { Free(); }

  void Free() {
    if (memory_) GiveBackToPool(memory_, device_);
    memory_ = nullptr;
    size_ = 0;
  }

  void* Get(size_t bytes) {
    if (!Has(bytes)) Take(bytes, TakeFromPool);
    return memory_;
  }

  bool TryGet(size_t bytes) {
    if (!Has(bytes)) Take(bytes, TryTakeFromPool);
    return memory_ != nullptr;
  }

 private:
  bool Has(size_t bytes) const { return memory_ && ThisDevice() == device_ && bytes <= size_; }

  template <typename TakeFrom>
  void Take(size_t bytes, const TakeFrom& take_from) {
    Free();
    memory_ = take_from(PoolUse::kKept, bytes, ThreadStream(), &device_);
    size_ = memory_ ? bytes : 0;
  }

  void* memory_ = nullptr;
  size_t size_ = 0;
  int device_ = -1;
};

Buffer& BufferOf(Scratch use) {
  static thread_local Buffer buffers[static_cast<int>(Scratch::kCount)];
  return buffers[static_cast<int>(use)];
}

}  // namespace

void* DeviceScratch(Scratch use, size_t bytes) { return BufferOf(use).Get(bytes); }

bool HasRoom(Scratch use, size_t bytes) { return bytes == 0 || BufferOf(use).TryGet(bytes); }

void ReleaseDeviceScratch(Scratch use) {
  BufferOf(use).Free();
  TrimDeviceMemory();
}

}  // namespace caffe

#endif  // CPU_ONLY
