#ifndef CAFFE_UTIL_NCCL_HPP_
#define CAFFE_UTIL_NCCL_HPP_

/// Where Caffe 1.0 keeps its helpers for NCCL, in builds with USE_NCCL. This runtime uses NCCL
/// inside only; what it offers is in caffe/parallel.hpp.

#include "caffe/common.hpp"

#endif  // CAFFE_UTIL_NCCL_HPP_
