#ifndef CAFFE_SRC_LAYERS_ON_DEVICE_HPP_
#define CAFFE_SRC_LAYERS_ON_DEVICE_HPP_

/// The two devices under common names, for code that is written once for both: a template over
/// Device takes OnCpu or OnGpu, and reaches blobs and matrix products through it.

#include "caffe/blob.hpp"
#include "caffe/util/math_functions.hpp"

namespace caffe {

#define CAFFE_DEFINE_DEVICE(Name, device)                                                          \
  struct Name {                                                                                    \
    template <typename Dtype>                                                                      \
    static const Dtype* Data(const Blob<Dtype>& blob) {                                            \
      return blob.device##_data();                                                                 \
    }                                                                                              \
    template <typename Dtype>                                                                      \
    static const Dtype* Diff(const Blob<Dtype>& blob) {                                            \
      return blob.device##_diff();                                                                 \
    }                                                                                              \
    template <typename Dtype>                                                                      \
    static Dtype* MutableData(Blob<Dtype>* blob) {                                                 \
      return blob->mutable_##device##_data();                                                      \
    }                                                                                              \
    template <typename Dtype>                                                                      \
    static Dtype* MutableDiff(Blob<Dtype>* blob) {                                                 \
      return blob->mutable_##device##_diff();                                                      \
    }                                                                                              \
    /** c = alpha op(a) op(b) + beta c; c is m x n, k the common axis. */                          \
    template <typename Dtype>                                                                      \
    static void Gemm(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m, int n, int k, Dtype alpha, \
                     const Dtype* a, const Dtype* b, Dtype beta, Dtype* c) {                       \
      caffe_##device##_gemm<Dtype>(op_a, op_b, m, n, k, alpha, a, b, beta, c);                     \
    }                                                                                              \
  }

CAFFE_DEFINE_DEVICE(OnCpu, cpu);
#ifndef CPU_ONLY
CAFFE_DEFINE_DEVICE(OnGpu, gpu);
#endif

#undef CAFFE_DEFINE_DEVICE

#define DEFINE_PASSES_ON(classname, device, Device)                              \
  template <typename Dtype>                                                      \
  void classname<Dtype>::Forward_##device(const vector<Blob<Dtype>*>& bottom,    \
                                          const vector<Blob<Dtype>*>& top) {     \
    ForwardOn<Device>(bottom, top);                                              \
  }                                                                              \
  template <typename Dtype>                                                      \
  void classname<Dtype>::Backward_##device(const vector<Blob<Dtype>*>& top,      \
                                           const vector<bool>& propagate_down,   \
                                           const vector<Blob<Dtype>*>& bottom) { \
    BackwardOn<Device>(top, propagate_down, bottom);                             \
  }                                                                              \
  static_assert(true, "")

/// Defines a layer's passes of each device that the build has, by its ForwardOn and BackwardOn.
#ifdef CPU_ONLY
#define DEFINE_PASSES(classname) DEFINE_PASSES_ON(classname, cpu, OnCpu)
#else
#define DEFINE_PASSES(classname)           \
  DEFINE_PASSES_ON(classname, cpu, OnCpu); \
  DEFINE_PASSES_ON(classname, gpu, OnGpu)
#endif

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_ON_DEVICE_HPP_
