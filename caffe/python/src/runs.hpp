#ifndef CAFFE_PYTHON_RUNS_HPP_
#define CAFFE_PYTHON_RUNS_HPP_

/// Who may do what while nets run: threads and one net, the GIL, and the end of Python.
///
/// Nobody waits for a mutex of these with the GIL, which whoever has it may need to go on, nor
/// while the end of Python waits for the thread: whoever has it may stand still for ever.

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <cxxabi.h>
#include <pybind11/pybind11.h>

#include "fair_mutex.hpp"

namespace caffe {
namespace python {

namespace py = pybind11;

/// The mutexes of a net, or of a solver and its nets. They are recursive, because callbacks and
/// Python layers may run the net that they are called from.
struct RunMutex {
  /// Held for a whole run: makes runs go one after another.
  FairMutex runs;
  /// Held while C++ works on the blobs: by a run, except while Python code runs in it and between
  /// the iterations of a solver, and by whoever makes an array of a blob. Locked after `runs`.
  FairMutex memory;
};
using RunMutexPtr = std::shared_ptr<RunMutex>;

/// Without the GIL, in order to wait for others. Python may end meanwhile; the thread then waits
/// on for ever.
class Waiting {
 public:
  Waiting() : state_(PyEval_SaveThread()) {}
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  PyThreadState* state_;
};

/// Without the GIL, in order to compute: the end of Python waits until this is over. `mutex`, where
/// given, is that of the run, whose memory the thread holds.
class Computing {
 public:
  explicit Computing(RunMutexPtr mutex = nullptr);
  ~Computing();
  Computing(const Computing&) = delete;
  Computing& operator=(const Computing&) = delete;

  /// Of the innermost run of this thread; null outside of runs.
  static RunMutexPtr Mutex();

 private:
  friend class PythonCall;

  RunMutexPtr mutex_;
  Computing* around_;
  /// False while a PythonCall goes on.
  bool computes_ = true;
  PyThreadState* state_;
};

/// With the GIL, in order to call Python from a computation. Meanwhile other threads may look at
/// the blobs, so that the code may wait for them, and Python may end.
class PythonCall {
 public:
  PythonCall();
  ~PythonCall();
  PythonCall(const PythonCall&) = delete;
  PythonCall& operator=(const PythonCall&) = delete;

 private:
  Computing* computing_;
  std::optional<py::gil_scoped_acquire> gil_;
};

/// Stops the calling thread for ever.
[[noreturn]] void StandStill();

/// Calls action() as a PythonCall.
template <typename Action>
auto CallPython(const Action& action) -> decltype(action()) {
  const PythonCall call;
#ifdef __GLIBCXX__
  try {
    return action();
  } catch (const abi::__forced_unwind&) {
    // Python has ended, which ends a thread that asks for the GIL. The frames below are not made
    // for that.
    StandStill();
  }
#else
  return action();
#endif
}

/// Holds a mutex; to be made with the GIL.
class Lock {
 public:
  explicit Lock(FairMutex& mutex) : lock_(mutex, std::try_to_lock) {
    if (lock_) return;
    const Waiting waiting;
    lock_.lock();
  }

 private:
  std::unique_lock<FairMutex> lock_;
};

/// Runs `action` without the GIL, between two calls of `sync`; both, where it throws, too. Errors
/// of `sync` are thrown, but for those after an error of `action`, which is the one to tell. The
/// mutex is held from the first call to the last.
template <typename Sync, typename Action>
auto RunBetween(const RunMutexPtr& mutex, const Sync& sync, const Action& action)
    -> decltype(action()) {
  struct AtEnd {
    const Sync& sync;
    const int exceptions = std::uncaught_exceptions();
    ~AtEnd() noexcept(false) {
      try {
        sync();
      } catch (...) {
        if (std::uncaught_exceptions() == exceptions) throw;
      }
    }
  };
  const Lock run(mutex->runs);
  const Lock memory(mutex->memory);
  sync();
  const AtEnd end{sync};
  const Computing computing(mutex);
  return action();
}

/// Makes the end of Python wait for the threads that compute, and keeps others from beginning to:
/// they would lose what they compute with.
void WaitForRunsAtExit();

}  // namespace python
}  // namespace caffe

#endif  // CAFFE_PYTHON_RUNS_HPP_
