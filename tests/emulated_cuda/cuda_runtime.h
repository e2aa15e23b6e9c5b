#ifndef TESTS_EMULATED_CUDA_RUNTIME_H_
#define TESTS_EMULATED_CUDA_RUNTIME_H_

/// The part of CUDA's runtime that caffe uses, on the CPU: configure with -DEMULATE_CUDA=ON, and
/// the tests run the code of the GPU half where no GPU is.
///
/// "Device" memory is host memory that is full of NaN at first. What is queued on a stream is done
/// when somebody waits for it (device_queue.hpp), and the few threads of a block take turns
/// (thread_block.cpp). Calls that CUDA would refuse are refused.

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>

#define __host__
#define __device__
#define __global__
#define __shared__ static thread_local
#define __syncthreads() emulated_cuda::Barrier()
inline int min(int a, int b) { return b < a ? b : a; }

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600
};
const char* cudaGetErrorString(cudaError_t error);
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }

// ---- devices: two, which differ in their number alone ----

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceSynchronize();

struct cudaDeviceProp {
  const char* name = "the CPU, which emulates CUDA";
  int major = 0, minor = 0;
  size_t totalGlobalMem = 0, sharedMemPerBlock = 0;
  int regsPerBlock = 0, warpSize = 1, maxThreadsPerBlock = 1, multiProcessorCount = 1;
  int l2CacheSize = 0;
};
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
enum cudaDeviceAttr { cudaDevAttrMemoryPoolsSupported = 115 };
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);

// ---- streams and events ----

struct cudaStreamOfHost;
typedef cudaStreamOfHost* cudaStream_t;
const unsigned cudaStreamNonBlocking = 1;
inline const cudaStream_t cudaStreamPerThread = reinterpret_cast<cudaStream_t>(2);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);

struct CUevent_st;
typedef CUevent_st* cudaEvent_t;
const unsigned cudaEventDisableTiming = 2;
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);

// ---- memory ----

cudaError_t cudaMalloc(void** pointer, size_t size);
cudaError_t cudaMallocHost(void** pointer, size_t size);
template <typename T>
cudaError_t cudaMalloc(T** pointer, size_t size) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), size);
}
template <typename T>
cudaError_t cudaMallocHost(T** pointer, size_t size) {
  return cudaMallocHost(reinterpret_cast<void**>(pointer), size);
}
cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t stream);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaFreeHost(void* pointer);
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream);

enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t stream);

enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost, cudaMemoryTypeDevice };
struct cudaPointerAttributes {
  cudaMemoryType type;
};
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer);

typedef void* cudaMemPool_t;
enum cudaMemPoolAttr {
  cudaMemPoolAttrReleaseThreshold = 4,
  cudaMemPoolAttrUsedMemCurrent = 7,
  cudaMemPoolAttrUsedMemHigh = 8
};
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes);
enum cudaMemAllocationType { cudaMemAllocationTypePinned = 1 };
enum cudaMemLocationType { cudaMemLocationTypeDevice = 1 };
struct cudaMemPoolProps {
  cudaMemAllocationType allocType;
  struct {
    cudaMemLocationType type;
    int id;
  } location;
};
cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties);
cudaError_t cudaMallocFromPoolAsync(void** pointer, size_t size, cudaMemPool_t pool,
                                    cudaStream_t stream);
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);

// ---- kernels ----

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

namespace emulated_cuda {

/// Queues a kernel's body, which runs once in every thread.
cudaError_t Launch(const cudaLaunchConfig_t& config, std::function<void()> body);
/// __syncthreads().
void Barrier();

}  // namespace emulated_cuda

template <typename... Expected, typename... Actual>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Expected...),
                               Actual&&... arguments) {
  const std::tuple<std::decay_t<Expected>...> kept(arguments...);
  return emulated_cuda::Launch(*config, [=] { std::apply(kernel, kept); });
}

namespace emulated_cuda {

/// kernel<<<blocks, threads, shared, stream>>>, which only nvcc understands.
class TripleAngles {
 public:
  TripleAngles(int blocks, int threads, size_t shared = 0, cudaStream_t stream = nullptr)
      : config_{dim3(blocks), dim3(threads), shared, stream} {}

  template <typename... Expected, typename... Actual>
  void operator()(void (*kernel)(Expected...), Actual&&... arguments) const {
    Check(cudaLaunchKernelEx(&config_, kernel, arguments...));
  }

 private:
  /// Ends the process where a kernel cannot be launched.
  static void Check(cudaError_t status);

  cudaLaunchConfig_t config_;
};

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_CUDA_RUNTIME_H_
