#ifndef CAFFE_SRC_GPU_SCRATCH_HPP_
#define CAFFE_SRC_GPU_SCRATCH_HPP_

#include <cstddef>

namespace caffe {

/// Uses of temporary memory that may be needed at the same time.
enum class Scratch {
  kSums,
  kColumns,
  kWorkspace,
  // What a convolution multiplies, in the order of its engine.
  kWeights,
  kFeatures,
  kBias,
  // Which pixel gives a place of Upsample's its value.
  kClaims,
  kCount
};

/// At least `bytes` of memory on the thread's GPU, which stays until the next call for the same use
/// with more bytes or on another GPU. Work that is queued one behind the other shares it. Throws
/// Error where the GPU has not that much.
void* DeviceScratch(Scratch use, size_t bytes);

/// Whether the GPU has that much for a use, which is taken for it then. For trials of what may need
/// too much.
bool HasRoom(Scratch use, size_t bytes);

/// Gives the memory of a use back to the GPU, when the work that is queued has been done: for after
/// trials, which may have needed more than what is chosen.
void ReleaseDeviceScratch(Scratch use);

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_SCRATCH_HPP_
