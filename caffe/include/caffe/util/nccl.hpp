#ifndef CAFFE_UTIL_NCCL_HPP_
#define CAFFE_UTIL_NCCL_HPP_

/// Where Caffe 1.0 keeps its helpers for NCCL, in builds with USE_NCCL. This runtime never defines
/// USE_NCCL.

#include "caffe/common.hpp"

#endif  // CAFFE_UTIL_NCCL_HPP_
