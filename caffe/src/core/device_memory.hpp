#ifndef CAFFE_SRC_CORE_DEVICE_MEMORY_HPP_
#define CAFFE_SRC_CORE_DEVICE_MEMORY_HPP_

#ifndef CPU_ONLY

#include <cstddef>

#include "caffe/common.hpp"

namespace caffe {

/// Memory of the thread's GPU for values; *device becomes the GPU's number. It is there for work
/// that is queued on the stream from now on: neither taking nor giving it back waits for the GPU.
/// Throws OutOfDeviceMemory.
///
/// A net that frees its blobs early takes and gives back the same pieces in every pass, and the
/// driver's pool breaks into parts that do not fit together (for VGG-DeepLabv3+ in 16 bits 1.1 GiB
/// of 3.8). So what a run has given back again is one slab from the next run on, cut up in a way in
/// which neighbours become one again.
void* TakeDeviceMemory(size_t size, cudaStream_t stream, int* device);

/// When what this thread has queued on its stream of `device` has been done; with `wait`, waits for
/// all that any thread has queued there.
void GiveBackDeviceMemory(void* memory, int device, bool wait = false);

/// Frame a run of a net in this thread. Outside of runs, what is taken may be kept for long, and is
/// the pool's.
void BeginDeviceRun();
void EndDeviceRun();

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_SRC_CORE_DEVICE_MEMORY_HPP_
