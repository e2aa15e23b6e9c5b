#include "caffe/internal_thread.hpp"

#include <exception>
#include <future>

#include "caffe/util/math_functions.hpp"
#include "core/this_device.hpp"
#include "util/described_exception.hpp"
#include "util/start_thread.hpp"

namespace caffe {

namespace {

// What of the starting thread's settings the new one takes over.
struct Settings {
  Caffe::Brew mode = Caffe::mode();
  int solver_count = Caffe::solver_count();
  int solver_rank = Caffe::solver_rank();
  bool multiprocess = Caffe::multiprocess();
  unsigned int seed = caffe_rng_rand();
#ifndef CPU_ONLY
  int device = 0;
#endif

  Settings() {
#ifndef CPU_ONLY
    if (mode == Caffe::GPU) device = ThisDevice();
#endif
  }

  void Apply() const {
#ifndef CPU_ONLY
    if (mode == Caffe::GPU) CUDA_CHECK(cudaSetDevice(device));
#endif
    Caffe::set_mode(mode);
    Caffe::set_solver_count(solver_count);
    Caffe::set_solver_rank(solver_rank);
    Caffe::set_multiprocess(multiprocess);
    Caffe::set_random_seed(seed);
  }
};

void LogEnd(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    LOG(ERROR) << "a thread ended: " << e.what();
  }
}

}  // namespace

InternalThread::~InternalThread() { StopInternalThread(); }

void InternalThread::StartInternalThread() {
  CHECK(!is_started()) << "the thread runs already: stop it before it is started again";
  stop_ = std::make_shared<StopRequest>();
  process_ = getpid();
  std::promise<void> taken_over;
  std::future<void> begun = taken_over.get_future();
  thread_ = StartThread(
      [this, settings = Settings(), stop = stop_, taken_over = std::move(taken_over)]() mutable {
        const StopRequest::Binding binding(stop.get());
        try {
          settings.Apply();
        } catch (...) {
          return taken_over.set_exception(std::current_exception());
        }
        taken_over.set_value();
        try {
          InternalThreadEntry();
        } catch (...) {
          // A wait that is asked to end does so with an exception.
          if (!stop->requested()) LogEnd(DescribedException());
        }
      });
  try {
    begun.get();
  } catch (...) {
    StopInternalThread();
    throw;
  }
}

void InternalThread::StopInternalThread() {
  if (!is_started()) return;
  stop_->Request();
  thread_.join();
}

}  // namespace caffe
