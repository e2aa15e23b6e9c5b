#ifndef CAFFE_SRC_CORE_DEVICE_POOL_HPP_
#define CAFFE_SRC_CORE_DEVICE_POOL_HPP_

#ifndef CPU_ONLY

#include <cstddef>

#include "caffe/common.hpp"

namespace caffe {

/// A GPU's memory is full; says what is in use and what is free.
class OutOfDeviceMemory : public Error {
 public:
  OutOfDeviceMemory(const string& what, double available) : Error(what), available(available) {}
  /// Bytes that this process's nets hold, and those that are free.
  const double available;
};

/// The driver's pools of a GPU: for memory that is kept, and for such as comes and goes in every
/// pass. A small piece that is kept would hold all of a large one's memory, whose place it got.
enum class PoolUse { kKept, kPassing };

/// Memory of the thread's GPU, from one of the driver's pools; *device becomes the GPU's number. It
/// is there for work that is queued on the stream from now on: neither taking nor giving it back
/// waits for the GPU. Throws OutOfDeviceMemory.
void* TakeFromPool(PoolUse use, size_t size, cudaStream_t stream, int* device);
/// The same; null where there is none, though the pools have given back what nobody holds.
void* TryTakeFromPool(PoolUse use, size_t size, cudaStream_t stream, int* device);

/// When what this thread has queued on its stream of `device` has been done; with `wait`, waits for
/// all that any thread has queued there.
void GiveBackToPool(void* memory, int device, bool wait = false);

/// When what this thread has queued has been done, gives the GPU what the pools hold beyond what is
/// taken: after a step that has needed more memory, or other pieces, than those to come.
void TrimDeviceMemory();

/// The most bytes of the thread's GPU that have been taken from each of the pools so far.
size_t MostDeviceMemory();

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_SRC_CORE_DEVICE_POOL_HPP_
