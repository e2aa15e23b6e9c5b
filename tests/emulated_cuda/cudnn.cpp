// Handles, descriptors and values.
#include <algorithm>
#include <cstdint>
#include <cstring>

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

cudnnStatus_t Set(cudnnTensorStruct* tensor, cudnnDataType_t type, int n, int c, int h, int w) {
  if (std::min({n, c, h, w}) < 1) return CUDNN_STATUS_BAD_PARAM;
  tensor->type = type;
  tensor->n = n;
  tensor->c = c;
  tensor->h = h;
  tensor->w = w;
  return tensor->count() > INT32_MAX ? CUDNN_STATUS_NOT_SUPPORTED_SHAPE : CUDNN_STATUS_SUCCESS;
}

}  // namespace

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return Set(tensor, type, n, c, h, w);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t, int k, int c, int h, int w) {
  return Set(filter, type, k, c, h, w);
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

// ---- values ----

namespace emulated_cudnn {

namespace {

size_t SizeOf(cudnnDataType_t type) {
  return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
}

float Widen(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// The nearest one, of two the even one.
uint16_t Narrow(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace

Numbers Values::Read() const {
  Numbers numbers(tensor.count());
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = tensor.type == CUDNN_DATA_DOUBLE  ? static_cast<double*>(memory)[i]
                 : tensor.type == CUDNN_DATA_FLOAT ? static_cast<float*>(memory)[i]
                                                   : Widen(static_cast<uint16_t*>(memory)[i]);
  }
  return numbers;
}

void Values::Write(const Numbers& result, double alpha, double beta) const {
  const Numbers before = beta == 0 ? Numbers(result.size()) : Read();
  for (size_t i = 0; i < result.size(); ++i) {
    const double value = alpha * result[i] + beta * before[i];
    if (tensor.type == CUDNN_DATA_DOUBLE) static_cast<double*>(memory)[i] = value;
    if (tensor.type == CUDNN_DATA_FLOAT) static_cast<float*>(memory)[i] = float(value);
    if (tensor.type == CUDNN_DATA_BFLOAT16) {
      static_cast<uint16_t*>(memory)[i] = Narrow(float(value));
    }
  }
}

double Factor(const void* factor, cudnnDataType_t type) {
  if (type == CUDNN_DATA_DOUBLE) return *static_cast<const double*>(factor);
  return *static_cast<const float*>(factor);
}

cudnnStatus_t Queue(cudnnHandle_t handle, std::initializer_list<Values> values,
                    std::function<void()> work) {
  for (const Values& value : values) {
    if (!value.memory) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    const size_t bytes = value.tensor.count() * SizeOf(value.tensor.type);
    if (!emulated_cuda::HoldsOnDevice(value.memory, bytes)) {
      return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
    }
  }
  return handle->Call({}, std::move(work)) ? CUDNN_STATUS_SUCCESS
                                           : CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH;
}

}  // namespace emulated_cudnn
