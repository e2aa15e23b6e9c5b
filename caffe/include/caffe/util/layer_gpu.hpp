#ifndef CAFFE_UTIL_LAYER_GPU_HPP_
#define CAFFE_UTIL_LAYER_GPU_HPP_

#include <vector>

#include "caffe/blob.hpp"

/// In a layer's class: declare its GPU functions, which are defined in a .cu file. A build without
/// CUDA has none.
#ifdef CPU_ONLY
#define DECLARE_LAYER_GPU_FORWARD(Dtype) static_assert(true, "")
#define DECLARE_LAYER_GPU_BACKWARD(Dtype) static_assert(true, "")
#define DECLARE_LAYER_GPU_FUNCS(Dtype) static_assert(true, "")
#else
#define DECLARE_LAYER_GPU_FORWARD(Dtype)                                                          \
  void Forward_gpu(const std::vector<Blob<Dtype>*>& bottom, const std::vector<Blob<Dtype>*>& top) \
      override
#define DECLARE_LAYER_GPU_BACKWARD(Dtype)                                                          \
  void Backward_gpu(const std::vector<Blob<Dtype>*>& top, const std::vector<bool>& propagate_down, \
                    const std::vector<Blob<Dtype>*>& bottom) override
#define DECLARE_LAYER_GPU_FUNCS(Dtype) \
  DECLARE_LAYER_GPU_FORWARD(Dtype);    \
  DECLARE_LAYER_GPU_BACKWARD(Dtype)
#endif

/// In a layer's class: declare the templates of src/layers/on_device.hpp that both devices' passes
/// are made of.
#define DECLARE_PASSES_ON_DEVICE(Dtype)                                                          \
  template <typename Device>                                                                     \
  void ForwardOn(const std::vector<Blob<Dtype>*>& bottom, const std::vector<Blob<Dtype>*>& top); \
  template <typename Device>                                                                     \
  void BackwardOn(const std::vector<Blob<Dtype>*>& top, const std::vector<bool>& propagate_down, \
                  const std::vector<Blob<Dtype>*>& bottom)

namespace caffe {

// The devices.
struct OnCpu;
struct OnGpu;

}  // namespace caffe

#endif  // CAFFE_UTIL_LAYER_GPU_HPP_
