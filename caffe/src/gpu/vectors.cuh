#ifndef CAFFE_SRC_GPU_VECTORS_CUH_
#define CAFFE_SRC_GPU_VECTORS_CUH_

/// Loops in which a thread reads and writes 16 bytes at once: with less, too few bytes are on their
/// way to keep the GPU's memory busy. For .cu files.

#include <cstdint>
#include <type_traits>

#include "gpu/loops.cuh"
#include "util/bfloat16.hpp"

namespace caffe {

/// `size` values that lie one behind the other, a power of two; 16 bytes of them unless it says
/// otherwise. Copied as a whole, it is read and written in pieces of 16 bytes, or at once where it
/// has less; its address is a multiple of that.
template <typename T, int size = 16 / sizeof(T)>
struct alignas(size * sizeof(T) < 16 ? size * sizeof(T) : 16) Pack {
  static constexpr int kSize = size;
  T values[kSize];

  CAFFE_HOST_DEVICE T& operator[](int i) { return values[i]; }
  CAFFE_HOST_DEVICE const T& operator[](int i) const { return values[i]; }

  /// The same numbers, rounded to another type.
  template <typename Other>
  CAFFE_HOST_DEVICE Pack<Other, size> As() const {
    Pack<Other, size> other;
    for (int i = 0; i < size; ++i) other[i] = static_cast<Arithmetic<T>>(values[i]);
    return other;
  }
};

/// What stands in a pack's place where arrays do not consist of packs.
template <typename T>
using Single = Pack<T, 1>;

template <int size, typename T>
CAFFE_HOST_DEVICE Pack<T, size> LoadPack(const T* from) {
  return *reinterpret_cast<const Pack<T, size>*>(from);
}
template <typename T>
CAFFE_HOST_DEVICE Pack<T> LoadPack(const T* from) {
  return *reinterpret_cast<const Pack<T>*>(from);
}
template <typename T, int size>
CAFFE_HOST_DEVICE void StorePack(const Pack<T, size>& pack, T* to) {
  *reinterpret_cast<Pack<T, size>*>(to) = pack;
}

/// Whether arrays of n values consist of packs. To be read as such they have to be Aligned, too: as
/// memory of blobs is, unless a user has lent it.
template <typename T>
bool InPacks(std::ptrdiff_t n) {
  return n % Pack<T>::kSize == 0;
}

/// Whether packs can be read at all of these.
template <typename... T>
bool Aligned(const T*... memory) {
  return ((reinterpret_cast<std::uintptr_t>(memory) % sizeof(Pack<T>) == 0) && ...);
}

/// Values seen as units.
template <typename Unit, typename T>
CAFFE_HOST_DEVICE const Unit* AsUnits(const T* values) {
  return reinterpret_cast<const Unit*>(values);
}
template <typename Unit, typename T>
CAFFE_HOST_DEVICE Unit* AsUnits(T* values) {
  return reinterpret_cast<Unit*>(values);
}

/// Calls use(unit) with a null pointer to what arrays are handled in: packs or single values.
template <typename T, typename Use>
void WithUnit(bool packs, const Use& use) {
  if (packs) {
    use(static_cast<Pack<T>*>(nullptr));
  } else {
    use(static_cast<Single<T>*>(nullptr));
  }
}

/// The same for blobs of n values, all of which are Aligned or not. Those of 16 bits consist of
/// aligned packs, being in channels-last order.
template <typename T, typename Use>
void WithUnitOfBlob(std::ptrdiff_t n, bool aligned, const Use& use) {
  if constexpr (sizeof(T) == 2) {
    CHECK(InPacks<T>(n)) << "values of 16 bits are in whole packs of channels";
    use(static_cast<Pack<T>*>(nullptr));
  } else {
    WithUnit<T>(aligned && InPacks<T>(n), use);
  }
}

/// Runs the kernel make(unit) for every unit of blobs of n values, all of which are Aligned or not;
/// its element i is unit i.
template <typename T, typename Make>
void ForUnitsOfBlob(std::ptrdiff_t n, bool aligned, const Make& make) {
  WithUnitOfBlob<T>(n, aligned, [&](auto* unit) {
    ForElements(n / std::remove_pointer_t<decltype(unit)>::kSize, make(unit));
  });
}

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_VECTORS_CUH_
