#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>

#include "device_queue.hpp"
#include "pinned_memory.hpp"
#include "refusals.hpp"

namespace emulated_cuda {

namespace {

constexpr int kHost = -1, kPageable = -2;

// Of a device's memory, in bytes. A pool holds what is given back until it is trimmed; other pools
// cannot have it.
struct Pool {
  int device = 0;
  uint64_t now = 0, most = 0, held = 0;

  void Take(size_t size) {
    most = std::max(most, now += size);
    held -= std::min<uint64_t>(held, size);
  }
  void GiveBack(size_t size) {
    now -= size;
    held += size;
  }
};

struct Allocation {
  size_t size;
  int home;    // a device, or kHost: pinned memory
  Pool* pool;  // null where it is none's
};

std::map<const char*, Allocation>& Allocations() {
  static auto* allocations = new std::map<const char*, Allocation>();
  return *allocations;
}

// Never destroyed, as pools are not. The first ones are the devices' own.
std::deque<Pool>& Pools() {
  static auto* pools = [] {
    auto* made = new std::deque<Pool>(kDevices);
    for (int device = 0; device < kDevices; ++device) (*made)[device].device = device;
    return made;
  }();
  return *pools;
}

// How often pinned memory was taken. Under the lock.
int& TimesPinned() {
  static int times = 0;
  return times;
}

// What a device's pools have taken and hold.
uint64_t UseOf(int device) {
  uint64_t sum = 0;
  for (const Pool& pool : Pools()) {
    if (pool.device == device) sum += pool.now + pool.held;
  }
  return sum;
}

// The most that a device's pools may have.
uint64_t& RoomOf(int device) {
  static uint64_t rooms[kDevices] = {UINT64_MAX, UINT64_MAX};
  return rooms[device];
}

bool HasRoom(const Pool& pool, size_t size) {
  const std::lock_guard<std::mutex> lock(Lock());
  const uint64_t grows_by = size - std::min<uint64_t>(pool.held, size);
  return UseOf(pool.device) + grows_by <= RoomOf(pool.device);
}

/// What holds an address; null where it is pageable memory. Under the lock.
const Allocation* Find(const void* address) {
  const char* at = static_cast<const char*>(address);
  auto next = Allocations().upper_bound(at);
  if (next == Allocations().begin()) return nullptr;
  --next;
  return at < next->first + next->second.size ? &next->second : nullptr;
}

/// The device on which an address is, kHost, or kPageable.
int HomeOf(const void* address) {
  const std::lock_guard<std::mutex> lock(Lock());
  const Allocation* allocation = Find(address);
  return allocation ? allocation->home : kPageable;
}

// Floats that are NaN, and indices that lie nowhere.
void Spoil(void* memory, size_t size) { std::memset(memory, 0xff, size); }

cudaError_t Allocate(void** pointer, size_t size, int home, Pool* pool = nullptr) {
  CountDeviceCall();
  size = (std::max<size_t>(size, 1) + 255) / 256 * 256;
  *pointer = std::aligned_alloc(256, size);
  if (!*pointer) return cudaErrorMemoryAllocation;
  Spoil(*pointer, size);
  const std::lock_guard<std::mutex> lock(Lock());
  Allocations()[static_cast<char*>(*pointer)] = {size, home, pool};
  if (pool) pool->Take(size);
  if (home == kHost) ++TimesPinned();
  return cudaSuccess;
}

// Under the lock.
void Release(void* pointer) {
  const auto found = Allocations().find(static_cast<char*>(pointer));
  if (found->second.pool) found->second.pool->GiveBack(found->second.size);
  Allocations().erase(found);
  std::free(pointer);
}

// When all that is queued on a device has been done.
cudaError_t ReleaseAfter(int device, void* pointer) {
  const int current = DeviceOfThread();
  cudaSetDevice(device);
  cudaDeviceSynchronize();
  cudaSetDevice(current);
  const std::lock_guard<std::mutex> lock(Lock());
  Release(pointer);
  return cudaSuccess;
}

}  // namespace

int PiecesPinned() {
  const std::lock_guard<std::mutex> lock(Lock());
  return TimesPinned();
}

size_t BytesPinned() {
  const std::lock_guard<std::mutex> lock(Lock());
  size_t sum = 0;
  for (const auto& [address, allocation] : Allocations()) {
    if (allocation.home == kHost) sum += allocation.size;
  }
  return sum;
}

void LeaveDeviceMemory(size_t bytes) {
  const std::lock_guard<std::mutex> lock(Lock());
  for (Pool& pool : Pools()) pool.held = 0;
  for (int device = 0; device < kDevices; ++device) RoomOf(device) = UseOf(device) + bytes;
}

void LeaveAllDeviceMemory() {
  const std::lock_guard<std::mutex> lock(Lock());
  for (int device = 0; device < kDevices; ++device) RoomOf(device) = UINT64_MAX;
}

bool HoldsOnDevice(const void* pointer, size_t size) {
  const char* last = static_cast<const char*>(pointer) + size - 1;
  const int home = DeviceOfThread();
  if (HomeOf(pointer) != home || HomeOf(last) != home) return false;
  const std::lock_guard<std::mutex> lock(Lock());
  return --Allocations().upper_bound(static_cast<const char*>(pointer)) ==
         --Allocations().upper_bound(last);
}

bool IsDeviceMemory(const void* pointer) { return HomeOf(pointer) >= 0; }

bool IsOfPool(const void* pointer) {
  const std::lock_guard<std::mutex> lock(Lock());
  const Allocation* allocation = Find(pointer);
  return allocation && allocation->pool;
}

bool IsUsable(const void* pointer) {
  const int home = HomeOf(pointer);
  return pointer == nullptr || home == DeviceOfThread() || home == kHost;
}

}  // namespace emulated_cuda

using namespace emulated_cuda;

cudaError_t cudaMalloc(void** pointer, size_t size) {
  return Allocate(pointer, size, DeviceOfThread());
}

cudaError_t cudaMallocHost(void** pointer, size_t size) { return Allocate(pointer, size, kHost); }

cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t stream) {
  return cudaMallocFromPoolAsync(pointer, size, &Pools()[DeviceOfThread()], stream);
}

cudaError_t cudaFree(void* pointer) {
  CountDeviceCall();
  if (!pointer) return cudaSuccess;
  const int home = HomeOf(pointer);
  return home < 0 ? cudaErrorInvalidValue : ReleaseAfter(home, pointer);
}

cudaError_t cudaFreeHost(void* pointer) {
  CountDeviceCall();
  if (!pointer) return cudaSuccess;
  if (HomeOf(pointer) != kHost) return cudaErrorInvalidValue;
  return ReleaseAfter(DeviceOfThread(), pointer);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  if (!pointer) return cudaSuccess;
  if (HomeOf(pointer) != DeviceOfThread()) return cudaErrorInvalidValue;
  return Queue(stream, [pointer] { Release(pointer); });
}

// Pinned and device memory is read and written when the copy is done. Pageable memory has been read
// when the call returns, which waits until it has been written.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (size == 0) return cudaSuccess;
  const int source = HomeOf(from), target = HomeOf(to);
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind != cudaMemcpyDefault && (to_device != (target >= 0) || from_device != (source >= 0))) {
    return cudaErrorInvalidValue;
  }
  cudaError_t status;
  if (source == kPageable) {
    const char* bytes = static_cast<const char*>(from);
    const auto staged = std::make_shared<std::vector<char>>(bytes, bytes + size);
    status = Queue(stream, [=] { std::memcpy(to, staged->data(), size); });
  } else {
    status = Queue(stream, [=] { std::memmove(to, from, size); });
  }
  if (status == cudaSuccess && target == kPageable) status = cudaStreamSynchronize(stream);
  return status;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind) {
  const cudaError_t status = cudaMemcpyAsync(to, from, size, kind, nullptr);
  return status == cudaSuccess ? cudaStreamSynchronize(nullptr) : status;
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t stream) {
  if (!IsUsable(to)) return cudaErrorInvalidValue;
  return Queue(stream, [=] { std::memset(to, value, size); });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const int home = HomeOf(pointer);
  attributes->type = cudaMemoryTypeDevice;
  if (home == kHost) attributes->type = cudaMemoryTypeHost;
  if (home == kPageable) attributes->type = cudaMemoryTypeUnregistered;
  return cudaSuccess;
}

// ---- pools ----

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  *pool = &Pools()[device];
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  CountDeviceCall();
  if (properties->allocType != cudaMemAllocationTypePinned) return cudaErrorInvalidValue;
  if (properties->location.type != cudaMemLocationTypeDevice) return cudaErrorInvalidValue;
  const std::lock_guard<std::mutex> lock(Lock());
  Pools().emplace_back().device = properties->location.id;
  *pool = &Pools().back();
  return cudaSuccess;
}

// Belongs to what is queued on this stream from now on; on others it may still be somebody else's.
cudaError_t cudaMallocFromPoolAsync(void** pointer, size_t size, cudaMemPool_t pool,
                                    cudaStream_t stream) {
  Pool* const from = static_cast<Pool*>(pool);
  if (from->device != DeviceOfThread()) return cudaErrorInvalidValue;
  if (!HasRoom(*from, size)) return cudaErrorMemoryAllocation;
  const cudaError_t status = Allocate(pointer, size, from->device, from);
  if (status != cudaSuccess) return status;
  return Queue(stream, [memory = *pointer, size] { Spoil(memory, size); });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes) {
  const std::lock_guard<std::mutex> lock(Lock());
  Pool& trimmed = *static_cast<Pool*>(pool);
  trimmed.held = std::min<uint64_t>(trimmed.held, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const std::lock_guard<std::mutex> lock(Lock());
  const Pool& use = *static_cast<const Pool*>(pool);
  *static_cast<uint64_t*>(value) = attribute == cudaMemPoolAttrUsedMemHigh ? use.most : use.now;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  CountDeviceCall();
  const std::lock_guard<std::mutex> lock(Lock());
  const uint64_t room = RoomOf(DeviceOfThread());
  const bool limited = room != UINT64_MAX;
  *total = limited ? room : 0;
  *free = limited ? room - std::min(room, UseOf(DeviceOfThread())) : 0;
  return cudaSuccess;
}
