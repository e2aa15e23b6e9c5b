#include "caffe/util/benchmark.hpp"

#include "caffe/common.hpp"

namespace caffe {

#ifdef CPU_ONLY

struct Timer::Marks {
  void Start() {}
  void Stop() {}
  float MicroSeconds() const { return 0; }
};

bool Timer::on_device() const { return false; }

#else

struct Timer::Marks {
  Marks() {
    CUDA_CHECK(cudaEventCreate(&start));
    CUDA_CHECK(cudaEventCreate(&stop));
  }
  ~Marks() {
    cudaEventDestroy(stop);
    cudaEventDestroy(start);
  }
  void Start() { CUDA_CHECK(cudaEventRecord(start, ThreadStream())); }
  void Stop() { CUDA_CHECK(cudaEventRecord(stop, ThreadStream())); }
  float MicroSeconds() const {
    float milliseconds = 0;
    CUDA_CHECK(cudaEventSynchronize(stop));
    CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
    return milliseconds * 1000;
  }

  cudaEvent_t start = nullptr, stop = nullptr;
};

bool Timer::on_device() const { return Caffe::mode() == Caffe::GPU; }

#endif

Timer::Timer() { Init(); }
Timer::~Timer() = default;

void Timer::Start() {
  if (running_) return;
  if (!on_device()) {
    marks_.reset();
  } else if (!marks_) {
    marks_.reset(new Marks());
  }
  if (marks_) marks_->Start();
  start_ = std::chrono::steady_clock::now();
  running_ = true;
  has_run_at_least_once_ = true;
}

void Timer::Stop() {
  if (!running_) return;
  if (marks_) marks_->Stop();
  stop_ = std::chrono::steady_clock::now();
  running_ = false;
}

float Timer::MicroSeconds() {
  if (!has_run_at_least_once_) {
    LOG(WARNING) << "A timer was read that has never run.";
    return 0;
  }
  Stop();
  elapsed_microseconds_ = marks_ ? marks_->MicroSeconds()
                                 : std::chrono::duration<float, std::micro>(stop_ - start_).count();
  return elapsed_microseconds_;
}

float Timer::MilliSeconds() {
  elapsed_milliseconds_ = MicroSeconds() / 1000;
  return elapsed_milliseconds_;
}

float Timer::Seconds() { return MilliSeconds() / 1000; }

}  // namespace caffe
