#ifndef TESTS_EMULATED_HOST_WAITS_HPP_
#define TESTS_EMULATED_HOST_WAITS_HPP_

namespace emulated_cuda {

/// How often the calling thread has waited for work that was not done yet.
int HostWaits();

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_HOST_WAITS_HPP_
