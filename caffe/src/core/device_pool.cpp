#include "core/device_pool.hpp"

#ifndef CPU_ONLY

#include <algorithm>
#include <cstdint>

namespace caffe {

namespace {

cudaMemPool_t PoolOf(int device) {
  cudaMemPool_t pool;
  CUDA_CHECK(cudaDeviceGetDefaultMemPool(&pool, device));
  return pool;
}

// Lets the GPU keep memory that is given back, for the next one who asks.
void KeepPool(int device) {
  static thread_local int kept = -1;
  if (device == kept) return;
  uint64_t threshold = UINT64_MAX;
  CUDA_CHECK(cudaMemPoolSetAttribute(PoolOf(device), cudaMemPoolAttrReleaseThreshold, &threshold));
  kept = device;
}

void SayThereIsNone(size_t size, int device) {
  size_t free = 0, total = 0;
  uint64_t used = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  CUDA_CHECK(cudaMemPoolGetAttribute(PoolOf(device), cudaMemPoolAttrUsedMemCurrent, &used));
  std::ostringstream text;
  text << "no memory for " << (size >> 20) << " MiB more on GPU " << device
       << ": this process's nets hold " << (used >> 20) << " MiB, and " << (free >> 20) << " of "
       << (total >> 20) << " MiB are free: use a smaller batch, or end what else runs there";
  try {
    LOG(FATAL) << text.str();
  } catch (const Error& error) {
    throw OutOfDeviceMemory(error.what(), double(used) + double(free));
  }
}

}  // namespace

void* TakeDeviceMemory(size_t size, cudaStream_t stream, int* device) {
  CUDA_CHECK(cudaGetDevice(device));
  KeepPool(*device);
  void* memory = nullptr;
  const cudaError_t status = cudaMallocAsync(&memory, std::max<size_t>(size, 1), stream);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    SayThereIsNone(size, *device);
  }
  CUDA_CHECK(status);
  return memory;
}

void GiveBackDeviceMemory(void* memory, int device, bool wait) {
  const AtDevice there(device);
  if (wait) cudaDeviceSynchronize();
  cudaFreeAsync(memory, ThreadStream());
}

void TrimDeviceMemory() {
  int device = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  CUDA_CHECK(cudaMemPoolTrimTo(PoolOf(device), 0));
}

size_t MostDeviceMemory() {
  int device = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  uint64_t most = 0;
  CUDA_CHECK(cudaMemPoolGetAttribute(PoolOf(device), cudaMemPoolAttrUsedMemHigh, &most));
  return most;
}

AtDevice::AtDevice(int device) : device_(device) {
  cudaGetDevice(&before_);
  if (before_ != device_) cudaSetDevice(device_);
}

AtDevice::~AtDevice() {
  if (before_ != device_) cudaSetDevice(before_);
}

}  // namespace caffe

#endif  // CPU_ONLY
