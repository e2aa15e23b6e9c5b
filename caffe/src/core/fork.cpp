// Processes that fork after nets have run, as Python's multiprocessing does.

#ifdef _OPENMP

#include <omp.h>
#include <pthread.h>

namespace {

// GNU's OpenMP keeps threads for the next loop. A forked process has none of them, but would wait
// for them forever; without them it starts its own.
void EndIdleThreads() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
  omp_pause_resource_all(omp_pause_soft);
#endif
}

const int registered = pthread_atfork(&EndIdleThreads, nullptr, nullptr);

}  // namespace

#endif  // _OPENMP
