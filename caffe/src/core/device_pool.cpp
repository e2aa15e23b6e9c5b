#include "core/device_pool.hpp"

#ifndef CPU_ONLY

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <mutex>

#include "caffe/util/plain_text.hpp"
#include "core/this_device.hpp"
#include "util/amount_text.hpp"

namespace caffe {

namespace {

cudaMemPool_t NewPool(int device) {
  cudaMemPoolProps properties = {};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool;
  CUDA_CHECK(cudaMemPoolCreate(&pool, &properties));
  return pool;
}

void CheckHasPools(int device) {
  int has = 0;
  CUDA_CHECK(cudaDeviceGetAttribute(&has, cudaDevAttrMemoryPoolsSupported, device));
  CHECK(has) << "GPU " << device
             << " has no memory pools (cudaMallocAsync), as virtual GPUs without unified memory: "
                "turn that on for it, use another GPU, or compute on the CPU";
}

using Pools = std::array<cudaMemPool_t, 2>;

// By use. They let the GPU keep memory that is given back, for the next one who asks.
const Pools& PoolsOf(int device) {
  static std::mutex mutex;
  static std::map<int, Pools>* const pools = new std::map<int, Pools>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = pools->find(device);
  if (found != pools->end()) return found->second;
  CheckHasPools(device);
  Pools made;
  CUDA_CHECK(cudaDeviceGetDefaultMemPool(&made[static_cast<int>(PoolUse::kKept)], device));
  made[static_cast<int>(PoolUse::kPassing)] = NewPool(device);
  uint64_t threshold = UINT64_MAX;
  for (cudaMemPool_t pool : made) {
    CUDA_CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
  }
  return pools->emplace(device, made).first->second;
}

uint64_t SumOfPools(int device, cudaMemPoolAttr attribute) {
  uint64_t sum = 0;
  for (cudaMemPool_t pool : PoolsOf(device)) {
    uint64_t bytes = 0;
    CUDA_CHECK(cudaMemPoolGetAttribute(pool, attribute, &bytes));
    sum += bytes;
  }
  return sum;
}

void SayThereIsNone(size_t size, int device) {
  size_t free = 0, total = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  const uint64_t used = SumOfPools(device, cudaMemPoolAttrUsedMemCurrent);
  PlainText text;
  text << "no memory for " << BytesText(size) << " more on GPU " << device
       << ": this process's nets hold " << BytesText(used) << ", and " << BytesText(free) << " of "
       << BytesText(total) << " are free: use a smaller batch, or end what else runs there";
  try {
    LOG(FATAL) << text.str();
  } catch (const Error& error) {
    throw OutOfDeviceMemory(error.what(), double(used) + double(free));
  }
}

// Null where the pool has no room and cannot grow.
void* TakeIfThereIs(cudaMemPool_t pool, size_t size, cudaStream_t stream) {
  void* memory = nullptr;
  const cudaError_t status =
      cudaMallocFromPoolAsync(&memory, std::max<size_t>(size, 1), pool, stream);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  CUDA_CHECK(status);
  return memory;
}

}  // namespace

void* TryTakeFromPool(PoolUse use, size_t size, cudaStream_t stream, int* device) {
  *device = ThisDevice();
  const cudaMemPool_t pool = PoolsOf(*device)[static_cast<int>(use)];
  if (void* memory = TakeIfThereIs(pool, size, stream)) return memory;
  // It may be free, but held by the other pool or in pieces.
  TrimDeviceMemory();
  return TakeIfThereIs(pool, size, stream);
}

void* TakeFromPool(PoolUse use, size_t size, cudaStream_t stream, int* device) {
  void* memory = TryTakeFromPool(use, size, stream, device);
  if (!memory) SayThereIsNone(size, *device);
  return memory;
}

void GiveBackToPool(void* memory, int device, bool wait) {
  const AtDevice there(device);
  if (wait) cudaDeviceSynchronize();
  cudaFreeAsync(memory, ThreadStream());
}

void TrimDeviceMemory() {
  CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  for (cudaMemPool_t pool : PoolsOf(ThisDevice())) CUDA_CHECK(cudaMemPoolTrimTo(pool, 0));
}

size_t MostDeviceMemory() { return SumOfPools(ThisDevice(), cudaMemPoolAttrUsedMemHigh); }

}  // namespace caffe

#endif  // CPU_ONLY
