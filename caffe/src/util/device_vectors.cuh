#ifndef CAFFE_SRC_UTIL_DEVICE_VECTORS_CUH_
#define CAFFE_SRC_UTIL_DEVICE_VECTORS_CUH_

/// Loops in which a thread reads and writes 16 bytes at once: with less, too few bytes are on their
/// way to keep the GPU's memory busy. For .cu files.

#include "util/bfloat16.hpp"
#include "util/device_loops.cuh"

namespace caffe {

/// Values that lie one behind the other, 16 bytes of them; its address is a multiple of 16.
template <typename T>
struct alignas(16) Pack {
  static constexpr int kSize = 16 / sizeof(T);
  T values[kSize];

  CAFFE_HOST_DEVICE T& operator[](int i) { return values[i]; }
  CAFFE_HOST_DEVICE const T& operator[](int i) const { return values[i]; }
};

template <typename T>
CAFFE_HOST_DEVICE Pack<T> LoadPack(const T* from) {
  return *reinterpret_cast<const Pack<T>*>(from);
}
template <typename T>
CAFFE_HOST_DEVICE void StorePack(const Pack<T>& pack, T* to) {
  *reinterpret_cast<Pack<T>*>(to) = pack;
}

/// Whether arrays of n values can be handled in packs; memory of blobs begins at multiples of 16.
template <typename T>
bool InPacks(std::ptrdiff_t n) {
  return n % Pack<T>::kSize == 0;
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DEVICE_VECTORS_CUH_
