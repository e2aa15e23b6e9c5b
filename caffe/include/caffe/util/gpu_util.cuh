#ifndef CAFFE_UTIL_GPU_UTIL_H_
#define CAFFE_UTIL_GPU_UTIL_H_

/// What kernels of layers written for Caffe 1.0 call.

namespace caffe {

/// *address += val, as one step that no other thread of the GPU can come between; returns what was
/// there before. For float and double.
template <typename Dtype>
inline __device__ Dtype caffe_gpu_atomic_add(const Dtype val, Dtype* address);

template <>
inline __device__ float caffe_gpu_atomic_add(const float val, float* address) {
  return atomicAdd(address, val);
}

template <>
inline __device__ double caffe_gpu_atomic_add(const double val, double* address) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 600
  return atomicAdd(address, val);
#else
  // GPUs before Pascal exchange whole words only.
  typedef unsigned long long Word;
  Word* const word = reinterpret_cast<Word*>(address);
  Word before = *word;
  for (Word seen = ~before; seen != before;) {
    seen = before;
    before = atomicCAS(word, seen, __double_as_longlong(__longlong_as_double(seen) + val));
  }
  return __longlong_as_double(before);
#endif
}

}  // namespace caffe

#endif  // CAFFE_UTIL_GPU_UTIL_H_
