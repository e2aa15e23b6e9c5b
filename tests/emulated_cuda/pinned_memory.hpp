#ifndef TESTS_EMULATED_PINNED_MEMORY_HPP_
#define TESTS_EMULATED_PINNED_MEMORY_HPP_

#include <cstddef>

namespace emulated_cuda {

/// How often host memory has been pinned, and how many bytes are now.
int PiecesPinned();
size_t BytesPinned();

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_PINNED_MEMORY_HPP_
