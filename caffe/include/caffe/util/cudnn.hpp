#ifndef CAFFE_UTIL_CUDNN_HPP_
#define CAFFE_UTIL_CUDNN_HPP_

/// Where Caffe 1.0 keeps its helpers for cuDNN, in builds with USE_CUDNN. This runtime uses cuDNN
/// inside only: outside of it USE_CUDNN is never defined.

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"

#endif  // CAFFE_UTIL_CUDNN_HPP_
