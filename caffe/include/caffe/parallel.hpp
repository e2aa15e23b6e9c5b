#ifndef CAFFE_PARALLEL_HPP_
#define CAFFE_PARALLEL_HPP_

/// Where Caffe 1.0 declares training on several GPUs, in builds with USE_NCCL. This runtime never
/// defines USE_NCCL; the header gives what code that includes it reads along.

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/internal_thread.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/solver.hpp"
#include "caffe/syncedmem.hpp"
#include "caffe/util/blocking_queue.hpp"

#endif  // CAFFE_PARALLEL_HPP_
