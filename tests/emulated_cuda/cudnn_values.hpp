#ifndef TESTS_EMULATED_CUDNN_VALUES_HPP_
#define TESTS_EMULATED_CUDNN_VALUES_HPP_

/// What the emulated cuDNN's functions share: descriptors, and values of any type as numbers.

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include <cudnn.h>

#include "device_queue.hpp"

struct cudnnContext : emulated_cuda::LibraryHandle {};

struct cudnnTensorStruct {
  cudnnDataType_t type;
  int n = 0, c = 0, h = 0, w = 0;
  /// In values, of the dimensions above.
  std::array<int64_t, 4> strides = {};

  size_t count() const { return size_t(n) * c * h * w; }
  int area() const { return h * w; }
  /// Values from the first to the last one in memory.
  size_t extent() const;
  size_t bytes() const;
  /// Where the values may lie in another order.
  bool operator==(const cudnnTensorStruct& other) const {
    return type == other.type && n == other.n && c == other.c && h == other.h && w == other.w;
  }
};

/// c: input channels of a group.
struct cudnnFilterStruct : cudnnTensorStruct {};

struct cudnnConvolutionStruct {
  int pad[2], stride[2], dilation[2];
  cudnnDataType_t compute_type;
  int groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

struct cudnnPoolingStruct {
  cudnnPoolingMode_t mode;
  int window[2], pad[2], stride[2];
};

struct cudnnLRNStruct {
  int n;
  double alpha, beta, k;
};

namespace emulated_cudnn {

using Tensor = cudnnTensorStruct;
using Numbers = std::vector<double>;

/// To so many significant bits; of two that are as near, the even one.
double Rounded(double value, int bits);

/// Significant bits of TF32's factors.
const int kBitsOfTF32 = 11;

/// Memory that a call reads or writes as the values of a tensor, in whatever order they lie there:
/// their numbers are always in that of n, c, h, w.
struct Values {
  Tensor tensor;
  void* memory;

  Values(const Tensor& tensor, const void* memory)
      : tensor(tensor), memory(const_cast<void*>(memory)) {}

  Numbers Read() const;
  /// values = alpha * result + beta * values; what was there is not read where beta is 0.
  void Write(const Numbers& result, double alpha, double beta) const;
};

/// A factor as calls on tensors of this type take it.
double Factor(const void* factor, cudnnDataType_t type);

/// Queues work() of a call with these values, if they are there.
cudnnStatus_t Queue(cudnnHandle_t handle, const std::vector<Values>& values,
                    std::function<void()> work);

}  // namespace emulated_cudnn

#endif  // TESTS_EMULATED_CUDNN_VALUES_HPP_
