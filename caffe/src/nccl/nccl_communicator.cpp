#include "nccl/nccl_communicator.hpp"

#include <cstring>

#include "core/this_device.hpp"
#include "util/start_thread.hpp"

namespace caffe {

namespace {

// How long the host sleeps between two looks at a call that is under way.
const std::chrono::microseconds kPause(20);
// How often it is looked whether the other ranks are there.
const std::chrono::milliseconds kWatchPeriod(200);
// How long an object that is destroyed waits for its last messages to be sent.
const std::chrono::seconds kPatience(10);

}  // namespace

template <typename Dtype>
string NcclCommunicator<Dtype>::NewUid() {
  ncclUniqueId id;
  NCCL_CHECK(ncclGetUniqueId(&id));
  return string(id.internal, sizeof(id.internal));
}

template <typename Dtype>
NcclCommunicator<Dtype>::NcclCommunicator(const string& uid, int rank, int size)
    : uid_(uid), rank_(rank), size_(size) {
  CHECK_EQ(uid.size(), sizeof(ncclUniqueId::internal))
      << " bytes in the uid: give all ranks the one that NCCL.new_uid() returned in one of them";
  CHECK(0 <= rank && rank < size) << "rank " << rank << " of " << size
                                  << ": set the solver count and the solver rank first";
  CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  CUDA_CHECK(cudaEventCreateWithFlags(&computed_, cudaEventDisableTiming));
  CUDA_CHECK(cudaEventCreateWithFlags(&communicated_, cudaEventDisableTiming));
}

template <typename Dtype>
NcclCommunicator<Dtype>::~NcclCommunicator() {
  // Other ranks may still receive what this one has sent, and would wait for the rest for ever.
  try {
    if (watch_.joinable()) LeaveUntil(Clock::now() + kPatience);
  } catch (const Error&) {
    // They are gone, or too slow.
  }
  Abort();
  if (watch_.joinable()) watch_.join();
  cudaEventDestroy(communicated_);
  cudaEventDestroy(computed_);
  cudaStreamDestroy(stream_);
}

template <typename Dtype>
void NcclCommunicator<Dtype>::CheckConnected() const {
  CHECK(failure_.empty()) << "NCCL: " << failure_ << "; NCCL_DEBUG=WARN tells more";
  CHECK(!disconnected_) << "the training on the other GPUs has ended";
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Watch(int device) {
  const AtDevice there(device);
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_.wait_for(lock, kWatchPeriod, [&] { return disconnected_; })) IsUnderWay();
}

template <typename Dtype>
bool NcclCommunicator<Dtype>::IsUnderWay() {
  ncclResult_t state = ncclSuccess;
  const ncclResult_t status = ncclCommGetAsyncError(comm_, &state);
  if (status != ncclSuccess) state = status;
  if (state != ncclSuccess && state != ncclInProgress) {
    failure_ = ncclGetErrorString(state);
    End(&ncclCommAbort);
  }
  return state == ncclInProgress;
}

template <typename Dtype>
void NcclCommunicator<Dtype>::End(ncclResult_t (*how)(ncclComm_t)) {
  if (comm_) how(comm_);
  comm_ = nullptr;
  disconnected_ = true;
  ended_.notify_all();
}

template <typename Dtype>
template <typename Function>
void NcclCommunicator<Dtype>::Queue(const Function& call, Clock::time_point latest) {
  std::unique_lock<std::mutex> lock(mutex_);
  CheckConnected();
  const ncclResult_t status = call();
  if (status != ncclInProgress) NCCL_CHECK(status);
  while (IsUnderWay()) {
    lock.unlock();
    CHECK(Clock::now() < latest) << "the other GPUs do not answer";
    std::this_thread::sleep_for(kPause);
    lock.lock();
    CheckConnected();
  }
  CheckConnected();
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Join() {
  ncclUniqueId id;
  std::memcpy(id.internal, uid_.data(), uid_.size());
  // Calls return at once, so that Abort finds nobody inside of NCCL.
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  Queue([&] { return ncclCommInitRankConfig(&comm_, size_, id, rank_, &config); });
  watch_ = StartThread([this, device = ThisDevice()] { Watch(device); });
}

template <typename Dtype>
void NcclCommunicator<Dtype>::FollowComputations() {
  CUDA_CHECK(cudaEventRecord(computed_, ThreadStream()));
  CUDA_CHECK(cudaStreamWaitEvent(stream_, computed_, 0));
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Broadcast(SyncedMemory* memory) {
  void* contents = memory->mutable_gpu_data();
  FollowComputations();
  Queue([&] {
    return ncclBroadcast(contents, contents, memory->size(), ncclChar, 0, comm_, stream_);
  });
  Finish();
}

template <typename Dtype>
void NcclCommunicator<Dtype>::AverageDiffs(const vector<Blob<Dtype>*>& blobs) {
  vector<Dtype*> diffs;
  for (Blob<Dtype>* blob : blobs) diffs.push_back(blob->mutable_gpu_diff());
  FollowComputations();
  // One launch for the whole group.
  Queue([&] {
    NCCL_CHECK(ncclGroupStart());
    ncclResult_t status = ncclSuccess;
    for (size_t i = 0; i < blobs.size(); ++i) {
      const ncclResult_t queued =
          ncclAllReduce(diffs[i], diffs[i], blobs[i]->count(), nccl::dataType<Dtype>::type, ncclAvg,
                        comm_, stream_);
      if (queued != ncclSuccess && queued != ncclInProgress) status = queued;
    }
    const ncclResult_t ended = ncclGroupEnd();
    return status == ncclSuccess ? ended : status;
  });
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Finish() {
  CUDA_CHECK(cudaEventRecord(communicated_, stream_));
  CUDA_CHECK(cudaStreamWaitEvent(ThreadStream(), communicated_, 0));
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Wait() {
  Finish();
  CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  std::lock_guard<std::mutex> lock(mutex_);
  CheckConnected();
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Leave() {
  LeaveUntil(Clock::time_point::max());
}

template <typename Dtype>
void NcclCommunicator<Dtype>::LeaveUntil(Clock::time_point latest) {
  Queue([&] { return ncclCommFinalize(comm_); }, latest);
  std::lock_guard<std::mutex> lock(mutex_);
  End(&ncclCommDestroy);
}

template <typename Dtype>
void NcclCommunicator<Dtype>::Abort() {
  std::lock_guard<std::mutex> lock(mutex_);
  End(&ncclCommAbort);
}

INSTANTIATE_CLASS(NcclCommunicator);

}  // namespace caffe
