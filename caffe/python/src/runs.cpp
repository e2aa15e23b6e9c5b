#include "runs.hpp"

#include <condition_variable>
#include <thread>

#include <pthread.h>

namespace caffe {
namespace python {

namespace {

/// What the end of Python knows about the threads.
class Runtime {
 public:
  /// Of this process; never destroyed, because threads may outlive static objects.
  static Runtime& Get() { return **Here(); }

  /// To be called without the GIL before C++ works; does not return once Python has ended.
  void Enter() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      // The thread that ends Python may still run nets: in functions of atexit, for instance.
      if (!ended_ || std::this_thread::get_id() == ender_) {
        ++inside_;
        return;
      }
    }
    StandStill();
  }

  void Leave() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      --inside_;
    }
    left_.notify_all();
  }

  void End() {
    std::unique_lock<std::mutex> lock(mutex_);
    ended_ = true;
    ender_ = std::this_thread::get_id();
    left_.wait(lock, [&] { return inside_ == 0; });
  }

 private:
  static Runtime** Here() {
    static Runtime* here = [] {
      // A child process has only the thread that has forked, which does not compute.
      pthread_atfork(nullptr, nullptr, [] { *Here() = new Runtime; });
      return new Runtime;
    }();
    return &here;
  }

  std::mutex mutex_;
  std::condition_variable left_;
  /// How many threads compute, or take the GIL back after that.
  int inside_ = 0;
  bool ended_ = false;
  std::thread::id ender_;
};

thread_local Computing* innermost = nullptr;

}  // namespace

void StandStill() {
  std::mutex mutex;
  std::unique_lock<std::mutex> lock(mutex);
  std::condition_variable never;
  for (;;) never.wait(lock);
}

Waiting::~Waiting() {
  Runtime::Get().Enter();
  PyEval_RestoreThread(state_);
  Runtime::Get().Leave();
}

Computing::Computing(RunMutexPtr mutex)
    : mutex_(std::move(mutex)), around_(innermost), state_(PyEval_SaveThread()) {
  Runtime::Get().Enter();
  innermost = this;
}

Computing::~Computing() {
  innermost = around_;
  PyEval_RestoreThread(state_);
  Runtime::Get().Leave();
}

RunMutexPtr Computing::Mutex() { return innermost ? innermost->mutex_ : nullptr; }

PythonCall::PythonCall()
    // Without the one or the other there is nothing to give away: a layer may be called from Python
    // itself, or from a program of C++.
    : computing_(innermost && innermost->computes_ ? innermost : nullptr) {
  gil_.emplace();
  if (!computing_) return;
  computing_->computes_ = false;
  if (computing_->mutex_) computing_->mutex_->memory.unlock();
  Runtime::Get().Leave();
}

PythonCall::~PythonCall() {
  gil_.reset();
  if (!computing_) return;
  if (computing_->mutex_) computing_->mutex_->memory.lock();
  Runtime::Get().Enter();
  computing_->computes_ = true;
}

void WaitForRunsAtExit() {
  py::module_::import("atexit").attr("register")(py::cpp_function([] {
    PyThreadState* const state = PyEval_SaveThread();
    Runtime::Get().End();
    PyEval_RestoreThread(state);
  }));
}

}  // namespace python
}  // namespace caffe
