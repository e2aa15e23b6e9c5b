#ifndef TESTS_EMULATED_REFUSALS_HPP_
#define TESTS_EMULATED_REFUSALS_HPP_

namespace emulated_cuda {

/// Whether devices may be chosen from now on. Those that serve one process alone cannot be, say.
void MayChooseDevices(bool may);

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_REFUSALS_HPP_
