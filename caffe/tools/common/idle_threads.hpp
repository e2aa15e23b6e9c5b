#ifndef CAFFE_TOOLS_COMMON_IDLE_THREADS_HPP_
#define CAFFE_TOOLS_COMMON_IDLE_THREADS_HPP_

namespace caffe {
namespace tools {

/// Makes OpenMP's threads fall asleep soon when they wait for each other, unless the environment
/// says how they shall wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT). To be called first in main.
///
/// By default they spin for milliseconds. Where they have no core each, because data is prefetched
/// or somebody else computes, they then hold up the very thread they wait for: half of the time or
/// more. GNU's OpenMP reads its settings when it is loaded, so the program starts itself anew.
void LetIdleThreadsSleep(char** argv);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_COMMON_IDLE_THREADS_HPP_
