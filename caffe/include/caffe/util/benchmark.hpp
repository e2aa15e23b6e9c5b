#ifndef CAFFE_UTIL_BENCHMARK_H_
#define CAFFE_UTIL_BENCHMARK_H_

#include <chrono>
#include <memory>

namespace caffe {

/// A stop watch. In GPU mode the device takes the time, between what was queued before Start and
/// before Stop; only reading it waits for the device.
class Timer {
 public:
  Timer();
  virtual ~Timer();

  virtual void Start();
  virtual void Stop();
  /// The time of the last run; stops the watch if it runs. 0 (and a warning) where it never ran.
  virtual float MilliSeconds();
  virtual float MicroSeconds();
  virtual float Seconds();

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

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
  /// Marks in the device's queue (two cudaEvent_t).
  struct Marks;
  virtual bool on_device() const;

  /// Not null where the device takes the time of the present run.
  std::unique_ptr<Marks> marks_;
};

/// A stop watch that takes the host's time in GPU mode, too.
class CPUTimer : public Timer {
 private:
  bool on_device() const override { return false; }
};

}  // namespace caffe

#endif  // CAFFE_UTIL_BENCHMARK_H_
