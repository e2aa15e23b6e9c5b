#ifndef CAFFE_SRC_NET_RUN_PLAN_HPP_
#define CAFFE_SRC_NET_RUN_PLAN_HPP_

#include "core/host_pool.hpp"
#include "net/forward_shapes.hpp"
#include "net/fusion.hpp"
#include "net/release.hpp"

namespace caffe {

/// What a net knows beyond its layers and blobs to run them fast and in little memory.
template <typename Dtype>
struct RunPlan {
  explicit RunPlan(const Net<Dtype>& net) : release(net), shapes(net) {}
  /// The net's blobs are gone then: returns memory that nobody uses to the system.
  ~RunPlan() { TrimHostMemory(); }

  Fusion fusion;
  BlobRelease<Dtype> release;
  ForwardShapes<Dtype> shapes;
};

}  // namespace caffe

#endif  // CAFFE_SRC_NET_RUN_PLAN_HPP_
