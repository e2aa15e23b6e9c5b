#ifndef CAFFE_SRC_CUDNN_HANDLE_HPP_
#define CAFFE_SRC_CUDNN_HANDLE_HPP_

/// What all uses of cuDNN share; only for files in this folder.

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
using Filter =
    Object<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using ConvolutionOp = Object<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor,
                             cudnnDestroyConvolutionDescriptor>;

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_HANDLE_HPP_
