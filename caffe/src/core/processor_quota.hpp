#ifndef CAFFE_SRC_CORE_PROCESSOR_QUOTA_HPP_
#define CAFFE_SRC_CORE_PROCESSOR_QUOTA_HPP_

#include <string>

namespace caffe {

/// How many processors' time Linux' control groups leave to this process (`docker --cpus`, limits
/// of Kubernetes), rounded up; 0 where they set no limit. `root`: where /proc and /sys are.
///
/// OpenMP does not ask for it, and starts a thread for each processor of the machine. More threads
/// than the limit allows for wait for each other while the whole process is stopped: with 16
/// threads and a limit of one processor a small net trains twenty times as slowly as with one
/// thread.
int ProcessorQuota(const std::string& root = "");

/// Gives what the calling thread computes no more threads than so many; 0: as many as before.
void LimitThreads(int most);

/// The same with this process's quota, unless OMP_NUM_THREADS says how many threads are wanted. Of
/// these it leaves 1024, or one for each processor: with a hundred thousand, OpenMP crashes.
void KeepToProcessorQuota();

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_PROCESSOR_QUOTA_HPP_
