#ifndef CAFFE_SRC_CORE_CUBLAS_HPP_
#define CAFFE_SRC_CORE_CUBLAS_HPP_

/// cuBLAS, loaded when one of its functions is called first. The dynamic loader takes 50 ms and 150
/// MB of memory for it (libcublasLt has 375,000 addresses to put right), which programs that
/// compute on the CPU, and those that only show help, need not wait for.

#include <atomic>

#include "caffe/common.hpp"

namespace caffe {
namespace cublas {

/// The address of a function; throws Error where cuBLAS cannot be loaded.
void* Find(const char* name);

/// A function of cuBLAS; `there`: where it is, if it is linked.
template <typename F>
class Function {
 public:
  constexpr explicit Function(const char* name, F* there = nullptr) : name_(name), there_(there) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) const {
    F* there = there_.load(std::memory_order_relaxed);
    if (!there) there_ = there = reinterpret_cast<F*>(Find(name_));
    return there(arguments...);
  }

 private:
  const char* const name_;
  mutable std::atomic<F*> there_;
};

/// CAFFE_CUBLAS(cublasCreate)(&handle). The header's macros for later versions of functions count.
#define CAFFE_CUBLAS(function) CAFFE_CUBLAS_OF(decltype(function), function)
/// The same for a function of several types.
#ifdef CUBLAS_VER_MAJOR
#define CAFFE_CUBLAS_OF(type, function) ::caffe::cublas::Function<type>(CAFFE_CUBLAS_NAME(function))
#else  // emulated, and linked
#define CAFFE_CUBLAS_OF(type, function) \
  ::caffe::cublas::Function<type>(CAFFE_CUBLAS_NAME(function), &function)
#endif
#define CAFFE_CUBLAS_NAME(function) #function

using GemmEx = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                              const void*, const void*, cudaDataType_t, int, const void*,
                              cudaDataType_t, int, const void*, void*, cudaDataType_t, int,
                              cublasComputeType_t, cublasGemmAlgo_t);

inline const auto create = CAFFE_CUBLAS(cublasCreate);
inline const auto destroy = CAFFE_CUBLAS(cublasDestroy);
inline const auto set_stream = CAFFE_CUBLAS(cublasSetStream);
inline const auto gemm_ex = CAFFE_CUBLAS_OF(GemmEx, cublasGemmEx);
inline const auto sgemm_strided_batched = CAFFE_CUBLAS(cublasSgemmStridedBatched);
inline const auto status_string = CAFFE_CUBLAS(cublasGetStatusString);

}  // namespace cublas
}  // namespace caffe

#endif  // CAFFE_SRC_CORE_CUBLAS_HPP_
