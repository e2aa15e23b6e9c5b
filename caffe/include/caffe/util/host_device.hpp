#ifndef CAFFE_UTIL_HOST_DEVICE_HPP_
#define CAFFE_UTIL_HOST_DEVICE_HPP_

/// Marks functions that CUDA kernels call too.
#ifdef __CUDACC__
#define CAFFE_HOST_DEVICE __host__ __device__
#else
#define CAFFE_HOST_DEVICE
#endif

#endif  // CAFFE_UTIL_HOST_DEVICE_HPP_
