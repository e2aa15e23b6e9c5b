#ifndef CAFFE_SRC_CUDNN_HANDLE_HPP_
#define CAFFE_SRC_CUDNN_HANDLE_HPP_

/// What all uses of cuDNN share; only for files in this folder.

#include <algorithm>
#include <initializer_list>

#include <cudnn.h>

#include "caffe/common.hpp"

#define CUDNN_CHECK(call)                                                                       \
  do {                                                                                          \
    const cudnnStatus_t cudnn_status_ = (call);                                                 \
    CHECK_EQ(cudnn_status_, CUDNN_STATUS_SUCCESS) << " " << cudnnGetErrorString(cudnn_status_); \
  } while (0)

namespace caffe {
namespace cudnn {

/// The calling thread's handle, for its GPU.
cudnnHandle_t Handle();

/// cuDNN's name of a type.
template <typename Dtype>
cudnnDataType_t DataType();

/// A cuDNN object that is made and destroyed with it.
template <typename T, cudnnStatus_t (*create)(T*), cudnnStatus_t (*destroy)(T)>
class Object {
 public:
  Object() { CUDNN_CHECK(create(&object_)); }
  ~Object() { destroy(object_); }
  operator T() const { return object_; }

 private:
  T object_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(Object);
};

using Tensor =
    Object<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using PoolingOp =
    Object<cudnnPoolingDescriptor_t, cudnnCreatePoolingDescriptor, cudnnDestroyPoolingDescriptor>;
using LrnOp = Object<cudnnLRNDescriptor_t, cudnnCreateLRNDescriptor, cudnnDestroyLRNDescriptor>;
using Filter =
    Object<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using ConvolutionOp = Object<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor,
                             cudnnDestroyConvolutionDescriptor>;

/// num x channels x height x width values in plain order.
template <typename Dtype>
class PlainTensor : public Tensor {
 public:
  PlainTensor(int num, int channels, int height, int width) {
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(*this, CUDNN_TENSOR_NCHW, DataType<Dtype>(), num,
                                           channels, height, width));
  }
};

/// Scales of results: cuDNN takes float's for smaller types, too.
template <typename Dtype>
const Dtype kOne = 1;
template <typename Dtype>
const Dtype kZero = 0;

/// Whether there are values at all: cuDNN has no tensors without, for which nothing is to be done.
inline bool HasValues(std::initializer_list<int> shape) { return std::min(shape) > 0; }

/// Whether cuDNN has done it: false where it does not support the case, and our kernels have to.
/// Throws Error where something went wrong.
inline bool Done(cudnnStatus_t status) {
  if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) return false;
  CUDNN_CHECK(status);
  return true;
}

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_HANDLE_HPP_
