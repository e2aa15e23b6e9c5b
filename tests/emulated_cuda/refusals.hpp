#ifndef TESTS_EMULATED_REFUSALS_HPP_
#define TESTS_EMULATED_REFUSALS_HPP_

#include <cstddef>

namespace emulated_cuda {

/// Whether devices may be chosen from now on. Those that serve one process alone cannot be, say.
void MayChooseDevices(bool may);
void MayChooseDevice(int device, bool may);

/// Whether devices have memory pools.
void MayHavePools(bool may);

/// Whether cuDNN has any algorithm or engine for a convolution from now on.
void MayConvolve(bool may);
bool CanConvolve();

/// Whether cuBLAS starts for threads that ask from now on.
void MayStartCublas(bool may);

/// So many bytes may be taken from a device's pools beyond what is taken now. Those given back
/// count when their stream comes to it; until it is trimmed, their pool alone can have them.
void LeaveDeviceMemory(size_t bytes);
/// As many as the host has, as from the beginning.
void LeaveAllDeviceMemory();

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_REFUSALS_HPP_
