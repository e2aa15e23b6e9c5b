#include "caffe/util/benchmark.hpp"

#include "caffe/common.hpp"

namespace caffe {

Timer::Timer() { Init(); }

void Timer::WaitForDevice() {
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) CUDA_CHECK(cudaDeviceSynchronize());
#endif
}

void Timer::Start() {
  if (running_) return;
  WaitForDevice();
  start_ = std::chrono::steady_clock::now();
  running_ = true;
  has_run_at_least_once_ = true;
}

void Timer::Stop() {
  if (!running_) return;
  WaitForDevice();
  stop_ = std::chrono::steady_clock::now();
  running_ = false;
}

float Timer::MicroSeconds() {
  if (!has_run_at_least_once_) {
    LOG(WARNING) << "A timer was read that has never run.";
    return 0;
  }
  Stop();
  elapsed_microseconds_ = std::chrono::duration<float, std::micro>(stop_ - start_).count();
  return elapsed_microseconds_;
}

float Timer::MilliSeconds() {
  elapsed_milliseconds_ = MicroSeconds() / 1000;
  return elapsed_milliseconds_;
}

float Timer::Seconds() { return MilliSeconds() / 1000; }

}  // namespace caffe
