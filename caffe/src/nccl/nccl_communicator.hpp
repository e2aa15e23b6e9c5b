#ifndef CAFFE_SRC_NCCL_NCCL_COMMUNICATOR_HPP_
#define CAFFE_SRC_NCCL_NCCL_COMMUNICATOR_HPP_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "caffe/util/nccl.hpp"
#include "parallel/communicator.hpp"

namespace caffe {

/// GPUs that meet through NCCL, within a process or across processes. It works on a stream of its
/// own beside the thread's computations, which it waits for by events alone: the host goes on.
template <typename Dtype>
class NcclCommunicator : public Communicator<Dtype> {
 public:
  /// For the calling thread's GPU. All ranks give one uid, which one of them made.
  NcclCommunicator(const string& uid, int rank, int size);
  /// Leaves, if that has not been done; after a while without an answer, it aborts.
  ~NcclCommunicator() override;
  static string NewUid();

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void Join() override;
  void Broadcast(SyncedMemory* memory) override;
  void AverageDiffs(const vector<Blob<Dtype>*>& blobs) override;
  void Finish() override;
  void Wait() override;
  void Leave() override;
  void Abort() override;

 private:
  using Clock = std::chrono::steady_clock;

  /// Runs a call that NCCL may only begin, and waits until it is queued. Throws Error after that
  /// moment.
  template <typename Function>
  void Queue(const Function& call, Clock::time_point latest = Clock::time_point::max());
  void LeaveUntil(Clock::time_point latest);
  /// Ends the connection; under the lock.
  void End(ncclResult_t (*how)(ncclComm_t));
  /// In a thread of its own: aborts where the connection to another rank breaks, since the GPU
  /// would wait for what that sends for ever, and the host for the GPU.
  void Watch(int device);
  void CheckConnected() const;
  /// Whether what was begun goes on; aborts where it has failed. Under the lock.
  bool IsUnderWay();
  /// Lets the stream wait for what the thread's GPU has to do so far.
  void FollowComputations();

  const string uid_;
  const int rank_, size_;
  /// Guards comm_ against Abort.
  std::mutex mutex_;
  ncclComm_t comm_ = nullptr;
  bool disconnected_ = false;
  /// What NCCL says of the failure that it was disconnected for, if there was one.
  string failure_;
  std::condition_variable ended_;
  std::thread watch_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t computed_ = nullptr, communicated_ = nullptr;
};

}  // namespace caffe

#endif  // CAFFE_SRC_NCCL_NCCL_COMMUNICATOR_HPP_
