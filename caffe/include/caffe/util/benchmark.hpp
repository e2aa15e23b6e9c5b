#ifndef CAFFE_UTIL_BENCHMARK_H_
#define CAFFE_UTIL_BENCHMARK_H_

#include <chrono>

namespace caffe {

/// A stop watch. In GPU mode it waits for the device's work at both ends, so that the time between
/// is the time of the work.
class Timer {
 public:
  Timer();
  virtual ~Timer() = default;

  virtual void Start();
  virtual void Stop();
  /// The time of the last run; stops the watch if it runs. 0 (and a warning) where it never ran.
  virtual float MilliSeconds();
  virtual float MicroSeconds();
  virtual float Seconds();

  inline bool initted() { return initted_; }
  inline bool running() { return running_; }
  inline bool has_run_at_least_once() { return has_run_at_least_once_; }

 protected:
  void Init() { initted_ = true; }

  bool initted_ = false;
  bool running_ = false;
  bool has_run_at_least_once_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point stop_;
  float elapsed_milliseconds_ = 0;
  float elapsed_microseconds_ = 0;

 private:
  virtual void WaitForDevice();
};

/// A stop watch that never waits for a GPU.
class CPUTimer : public Timer {
 private:
  void WaitForDevice() override {}
};

}  // namespace caffe

#endif  // CAFFE_UTIL_BENCHMARK_H_
