#ifndef CAFFE_UTIL_HOST_DEVICE_HPP_
#define CAFFE_UTIL_HOST_DEVICE_HPP_

/// Marks functions that CUDA kernels call too.
#ifdef __CUDACC__
#define CAFFE_HOST_DEVICE __host__ __device__
#else
#define CAFFE_HOST_DEVICE
#endif

namespace caffe {

/// std::max and std::min, for code that kernels share.
template <typename T>
CAFFE_HOST_DEVICE constexpr T Larger(T a, T b) {
  return a < b ? b : a;
}
template <typename T>
CAFFE_HOST_DEVICE constexpr T Smaller(T a, T b) {
  return b < a ? b : a;
}

}  // namespace caffe

#endif  // CAFFE_UTIL_HOST_DEVICE_HPP_
