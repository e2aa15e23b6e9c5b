#ifndef CAFFE_UTIL_NCCL_HPP_
#define CAFFE_UTIL_NCCL_HPP_

/// Caffe 1.0's helpers for code that calls NCCL itself, in builds with USE_NCCL; such code links
/// NCCL. What the runtime does with it is in caffe/parallel.hpp.

#include "caffe/common.hpp"

#if defined(USE_NCCL) && __has_include(<nccl.h>)
#include <nccl.h>

/// Throws Error with what NCCL says about a call that failed.
#define NCCL_CHECK(call)                                                              \
  do {                                                                                \
    const ncclResult_t nccl_status_ = (call);                                         \
    CHECK_EQ(nccl_status_, ncclSuccess)                                               \
        << " " << ncclGetErrorString(nccl_status_) << "; NCCL_DEBUG=WARN tells more"; \
  } while (0)

namespace caffe {
namespace nccl {

/// NCCL's name of a type of numbers: dataType<Dtype>::type.
template <typename Dtype>
struct dataType;
template <>
struct dataType<float> {
  static constexpr ncclDataType_t type = ncclFloat32;
};
template <>
struct dataType<double> {
  static constexpr ncclDataType_t type = ncclFloat64;
};

}  // namespace nccl
}  // namespace caffe
#endif

#endif  // CAFFE_UTIL_NCCL_HPP_
