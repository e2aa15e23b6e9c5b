// Handles and descriptors.
#include <algorithm>
#include <array>
#include <cstdint>

#include <cudnn.h>

#include "cudnn_values.hpp"

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "emulated cuDNN: a null pointer";
    case CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT:
      return "emulated cuDNN: memory of the host or another device, or not enough of it";
    case CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH:
      return "emulated cuDNN: the handle of another device";
    case CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH:
      return "emulated cuDNN: shapes that do not belong together";
    case CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER:
      return "emulated cuDNN: memory that is not aligned as its tensor says";
    case CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED:
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "emulated cuDNN: a descriptor that is not finalized";
    case CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE:
      return "emulated cuDNN: an attribute of another type";
    case CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE:
      return "emulated cuDNN: a descriptor of another type";
    default:
      return "emulated cuDNN: an argument that is not allowed";
  }
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

// ---- descriptors ----

#define EMULATED_CUDNN_DESCRIPTOR(Name)                                                \
  cudnnStatus_t cudnnCreate##Name##Descriptor(cudnn##Name##Descriptor_t* created) {    \
    *created = new cudnn##Name##Struct();                                              \
    return CUDNN_STATUS_SUCCESS;                                                       \
  }                                                                                    \
  cudnnStatus_t cudnnDestroy##Name##Descriptor(cudnn##Name##Descriptor_t descriptor) { \
    delete descriptor;                                                                 \
    return CUDNN_STATUS_SUCCESS;                                                       \
  }
EMULATED_CUDNN_DESCRIPTOR(Tensor)
EMULATED_CUDNN_DESCRIPTOR(Filter)
EMULATED_CUDNN_DESCRIPTOR(Convolution)
EMULATED_CUDNN_DESCRIPTOR(Pooling)
EMULATED_CUDNN_DESCRIPTOR(LRN)

namespace {

cudnnStatus_t Set(cudnnTensorStruct* tensor, cudnnDataType_t type, int n, int c, int h, int w,
                  const std::array<int64_t, 4>& strides) {
  if (std::min({n, c, h, w}) < 1) return CUDNN_STATUS_BAD_PARAM;
  *tensor = {type, n, c, h, w, strides};
  return tensor->extent() > INT32_MAX ? CUDNN_STATUS_NOT_SUPPORTED_SHAPE : CUDNN_STATUS_SUCCESS;
}

std::array<int64_t, 4> PackedStrides(cudnnTensorFormat_t format, int64_t c, int64_t h, int64_t w) {
  if (format == CUDNN_TENSOR_NHWC) return {c * h * w, 1, w * c, c};
  return {c * h * w, h * w, w, 1};
}

}  // namespace

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return Set(tensor, type, n, c, h, w, PackedStrides(format, c, h, w));
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t tensor, cudnnDataType_t type,
                                           int n, int c, int h, int w, int n_stride, int c_stride,
                                           int h_stride, int w_stride) {
  if (std::min({n_stride, c_stride, h_stride, w_stride}) < 1) return CUDNN_STATUS_BAD_PARAM;
  return Set(tensor, type, n, c, h, w, {n_stride, c_stride, h_stride, w_stride});
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return Set(filter, type, k, c, h, w, PackedStrides(format, c, h, w));
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h,
                                              int pad_w, int stride_h, int stride_w, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute_type) {
  if (std::min(pad_h, pad_w) < 0) return CUDNN_STATUS_BAD_PARAM;
  if (std::min({stride_h, stride_w, dilation_h, dilation_w}) < 1) return CUDNN_STATUS_BAD_PARAM;
  if (mode != CUDNN_CROSS_CORRELATION) return CUDNN_STATUS_NOT_SUPPORTED;
  *convolution = {{pad_h, pad_w}, {stride_h, stride_w}, {dilation_h, dilation_w}, compute_type};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t convolution, int groups) {
  convolution->groups = groups;
  return groups < 1 ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution,
                                          cudnnMathType_t math) {
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t pooling, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t, int window_h, int window_w,
                                          int pad_h, int pad_w, int stride_h, int stride_w) {
  if (std::min({window_h, window_w, stride_h, stride_w}) < 1) return CUDNN_STATUS_BAD_PARAM;
  if (std::min(pad_h, pad_w) < 0) return CUDNN_STATUS_BAD_PARAM;
  *pooling = {mode, {window_h, window_w}, {pad_h, pad_w}, {stride_h, stride_w}};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetLRNDescriptor(cudnnLRNDescriptor_t lrn, unsigned n, double alpha, double beta,
                                    double k) {
  if (n < CUDNN_LRN_MIN_N || n > CUDNN_LRN_MAX_N) return CUDNN_STATUS_BAD_PARAM;
  if (k < CUDNN_LRN_MIN_K || beta < CUDNN_LRN_MIN_BETA) return CUDNN_STATUS_BAD_PARAM;
  *lrn = {static_cast<int>(n), alpha, beta, k};
  return CUDNN_STATUS_SUCCESS;
}
