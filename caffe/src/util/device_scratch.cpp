#ifndef CPU_ONLY

#include "util/device_scratch.hpp"

#include "caffe/common.hpp"

namespace caffe {

namespace {

class Buffer {
 public:
  ~Buffer() { cudaFree(memory_); }

  void* Get(size_t bytes) {
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    if (device == device_ && bytes <= size_) return memory_;
    // Waits for the work that still uses it.
    CUDA_CHECK(cudaFree(memory_));
    memory_ = nullptr;
    size_ = 0;
    CUDA_CHECK(cudaMalloc(&memory_, bytes));
    size_ = bytes;
    device_ = device;
    return memory_;
  }

 private:
  void* memory_ = nullptr;
  size_t size_ = 0;
  int device_ = -1;
};

}  // namespace

void* DeviceScratch(Scratch use, size_t bytes) {
  static thread_local Buffer buffers[static_cast<int>(Scratch::kCount)];
  return buffers[static_cast<int>(use)].Get(bytes);
}

}  // namespace caffe

#endif  // CPU_ONLY
