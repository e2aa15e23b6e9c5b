#ifndef CAFFE_SRC_UTIL_DEVICE_BFLOAT16_HPP_
#define CAFFE_SRC_UTIL_DEVICE_BFLOAT16_HPP_

#include "util/bfloat16.hpp"

namespace caffe {

/// y = x, rounded. Pointers of these functions are on the GPU.
void RoundOnGpu(int n, const float* x, BFloat16* y);
/// y = x.
void WidenOnGpu(int n, const BFloat16* x, float* y);
/// y += x.
void AddOnGpu(int n, const BFloat16* x, float* y);

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DEVICE_BFLOAT16_HPP_
