#ifndef TESTS_EMULATED_CUDA_RUNTIME_H_
#define TESTS_EMULATED_CUDA_RUNTIME_H_

/// The part of CUDA's runtime that caffe uses, on the CPU: configure with -DEMULATE_CUDA=ON, and
/// the tests run the code of the GPU half where no GPU is.
///
/// "Device" memory is host memory, streams are empty, and a kernel runs when it is launched, one
/// thread after the other. Blocks have one thread (kernels must go by blockDim), so what threads of
/// a block do together is not tested.

#include <chrono>
#include <cstdlib>
#include <cstring>

#define __host__
#define __device__
#define __global__
#define __shared__ static thread_local
#define __syncthreads()

enum cudaError_t { cudaSuccess = 0, cudaErrorMemoryAllocation = 2, cudaErrorInvalidDevice = 101 };
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
typedef void* cudaStream_t;
const unsigned cudaStreamNonBlocking = 1;
const cudaStream_t cudaStreamPerThread = nullptr;

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

inline thread_local dim3 gridDim, blockDim, blockIdx, threadIdx(0, 0, 0);

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
};

template <typename... Expected, typename... Actual>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Expected...),
                               Actual&&... arguments) {
  gridDim = config->gridDim;
  for (unsigned block = 0; block < gridDim.x; ++block) {
    blockIdx.x = block;
    kernel(arguments...);
  }
  return cudaSuccess;
}

inline cudaError_t cudaAllocate(void** pointer, size_t size) {
  *pointer = std::malloc(size > 0 ? size : 1);
  return *pointer ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaRelease(void* pointer) {
  std::free(pointer);
  return cudaSuccess;
}
template <typename T>
cudaError_t cudaMalloc(T** pointer, size_t size) {
  return cudaAllocate(reinterpret_cast<void**>(pointer), size);
}
template <typename T>
cudaError_t cudaMallocHost(T** pointer, size_t size) {
  return cudaAllocate(reinterpret_cast<void**>(pointer), size);
}
inline cudaError_t cudaFree(void* pointer) { return cudaRelease(pointer); }
inline cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t) {
  return cudaAllocate(pointer, size);
}
inline cudaError_t cudaFreeAsync(void* pointer, cudaStream_t) { return cudaRelease(pointer); }
inline cudaError_t cudaFreeHost(void* pointer) { return cudaRelease(pointer); }
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind) {
  std::memmove(to, from, size);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind,
                                   cudaStream_t) {
  return cudaMemcpy(to, from, size, kind);
}
inline cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t) {
  std::memset(to, value, size);
  return cudaSuccess;
}

enum cudaMemoryType { cudaMemoryTypeHost = 1, cudaMemoryTypeDevice = 2 };
struct cudaPointerAttributes {
  cudaMemoryType type;
};
inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  attributes->type = cudaMemoryTypeHost;
  return cudaSuccess;
}

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "error of the emulated CUDA"; }
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }

// Two devices, which differ in their number alone.
inline thread_local int cudaDeviceOfThread = 0;
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 2;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = cudaDeviceOfThread;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device > 1) return cudaErrorInvalidDevice;
  cudaDeviceOfThread = device;
  return cudaSuccess;
}

// All work is done when it is queued.
typedef std::chrono::steady_clock::time_point* cudaEvent_t;
const unsigned cudaEventDisableTiming = 2;
inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new std::chrono::steady_clock::time_point();
  return cudaSuccess;
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  *event = std::chrono::steady_clock::now();
  return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  *milliseconds = std::chrono::duration<float, std::milli>(*stop - *start).count();
  return cudaSuccess;
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

typedef void* cudaMemPool_t;
const int cudaMemPoolAttrReleaseThreshold = 4, cudaMemPoolAttrUsedMemCurrent = 7;
inline cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = nullptr;
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, int, void*) { return cudaSuccess; }
inline cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, int, void*) { return cudaSuccess; }
inline cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = 0;
  return cudaSuccess;
}

struct cudaDeviceProp {
  const char* name = "the CPU, which emulates CUDA";
  int major = 0, minor = 0;
  size_t totalGlobalMem = 0, sharedMemPerBlock = 0;
  int regsPerBlock = 0, warpSize = 1, maxThreadsPerBlock = 1, multiProcessorCount = 1;
  int l2CacheSize = 0;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = cudaDeviceProp();
  return cudaSuccess;
}

#endif  // TESTS_EMULATED_CUDA_RUNTIME_H_
