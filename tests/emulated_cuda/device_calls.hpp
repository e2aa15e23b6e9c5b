#ifndef TESTS_EMULATED_DEVICE_CALLS_HPP_
#define TESTS_EMULATED_DEVICE_CALLS_HPP_

namespace emulated_cuda {

/// How many calls there have been for which CUDA's runtime starts on a GPU, which takes a part of
/// its memory: those that choose it, ask for its memory, take or free some (be it none), make
/// streams, events and pools, queue work, or wait for it.
int DeviceCalls();

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_DEVICE_CALLS_HPP_
