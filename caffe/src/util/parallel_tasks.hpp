#ifndef CAFFE_SRC_UTIL_PARALLEL_TASKS_HPP_
#define CAFFE_SRC_UTIL_PARALLEL_TASKS_HPP_

#include "caffe/util/parallel_for.hpp"

namespace caffe {

/// Calls body(task, thread) for tasks 0 to n - 1, each on the next of `threads` threads that is
/// free. What a task calls runs on its thread alone; `thread` is a number below `threads`, for
/// memory of its own. The first exception that leaves body is thrown again after the last task;
/// none is begun after it.
template <typename Body>
void ParallelTasks(int n, int threads, const Body& body) {
#ifdef _OPENMP
  if (threads > 1) {
    FirstException exception;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int task = 0; task < n; ++task) {
      if (exception.is_there()) continue;
      exception.CatchFrom([&] { body(task, omp_get_thread_num()); });
    }
    exception.Rethrow();
    return;
  }
#endif
  for (int task = 0; task < n; ++task) body(task, 0);
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_PARALLEL_TASKS_HPP_
