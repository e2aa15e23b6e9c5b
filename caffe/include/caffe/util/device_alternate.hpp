#ifndef CAFFE_UTIL_DEVICE_ALTERNATE_HPP_
#define CAFFE_UTIL_DEVICE_ALTERNATE_HPP_

/// Lets one source serve builds with and without CUDA: stubs for layers without GPU code, checks
/// for every CUDA call, and the launch shape of element-wise kernels.

// A build says here what it was built with; code compiled against it needs no -D options then.
#if __has_include("caffe/util/build_options.hpp")
#include "caffe/util/build_options.hpp"
#endif
#include "caffe/util/logging.hpp"

#ifdef CPU_ONLY

#define NO_GPU LOG(FATAL) << "This build has no CUDA: use the CPU mode (or build with nvcc)."

/// Defines Forward_gpu and Backward_gpu of a layer in a build without CUDA.
#define STUB_GPU(classname)                                                                      \
  template <typename Dtype>                                                                      \
  void classname<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>&) { \
    NO_GPU;                                                                                      \
  }                                                                                              \
  template <typename Dtype>                                                                      \
  void classname<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>&, const vector<bool>&,          \
                                      const vector<Blob<Dtype>*>&) {                             \
    NO_GPU;                                                                                      \
  }

#define STUB_GPU_FORWARD(classname, funcname)                          \
  template <typename Dtype>                                            \
  void classname<Dtype>::funcname##_gpu(const vector<Blob<Dtype>*>&,   \
                                        const vector<Blob<Dtype>*>&) { \
    NO_GPU;                                                            \
  }

#define STUB_GPU_BACKWARD(classname, funcname)                                            \
  template <typename Dtype>                                                               \
  void classname<Dtype>::funcname##_gpu(const vector<Blob<Dtype>*>&, const vector<bool>&, \
                                        const vector<Blob<Dtype>*>&) {                    \
    NO_GPU;                                                                               \
  }

#else  // with CUDA

#include <cublas_v2.h>
#include <cuda.h>
#include <cuda_runtime.h>
#include <curand.h>
#include <driver_types.h>

#define CUDA_CHECK(call)                                                                \
  do {                                                                                  \
    const cudaError_t cuda_status_ = (call);                                            \
    /* Reported here; a later check must not find it once more. */                      \
    if (cuda_status_ != cudaSuccess) cudaGetLastError();                                \
    CHECK(cuda_status_ == cudaSuccess) << "CUDA: " << cudaGetErrorString(cuda_status_); \
  } while (0)

#define CUBLAS_CHECK(call)                                              \
  do {                                                                  \
    const cublasStatus_t cublas_status_ = (call);                       \
    CHECK(cublas_status_ == CUBLAS_STATUS_SUCCESS)                      \
        << "cuBLAS: " << ::caffe::cublasGetErrorString(cublas_status_); \
  } while (0)

#define CURAND_CHECK(call)                                              \
  do {                                                                  \
    const curandStatus_t curand_status_ = (call);                       \
    CHECK(curand_status_ == CURAND_STATUS_SUCCESS)                      \
        << "cuRAND: " << ::caffe::curandGetErrorString(curand_status_); \
  } while (0)

/// Runs the statement that follows for i = this thread's index, + grid size, ... below n.
#define CUDA_KERNEL_LOOP(i, n) \
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

/// Reports the error of the kernel launch before it.
#define CUDA_POST_KERNEL_CHECK CUDA_CHECK(cudaPeekAtLastError())

namespace caffe {

const char* cublasGetErrorString(cublasStatus_t error);
const char* curandGetErrorString(curandStatus_t error);

/// The stream on which the calling thread's nets compute. Kernels and copies of the default stream
/// wait for it, and it for them.
inline cudaStream_t ThreadStream() { return cudaStreamPerThread; }

/// Threads of a block in element-wise kernels.
const int CAFFE_CUDA_NUM_THREADS = 512;

/// Blocks that give each of n elements a thread.
inline int CAFFE_GET_BLOCKS(const int n) {
  return (n + CAFFE_CUDA_NUM_THREADS - 1) / CAFFE_CUDA_NUM_THREADS;
}

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_UTIL_DEVICE_ALTERNATE_HPP_
