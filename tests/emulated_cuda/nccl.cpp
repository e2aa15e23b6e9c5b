#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <nccl.h>

#include "device_queue.hpp"

namespace emulated_nccl {

/// What all ranks do together.
struct Collective {
  int calls = 0;
  std::vector<void*> buffers;
  /// What each rank's stream has to do before.
  std::vector<emulated_cuda::Mark> before;
  bool done = false;
};

struct Group {
  int size;
  std::vector<std::shared_ptr<Collective>> collectives = {};
  bool aborted = false;
};

}  // namespace emulated_nccl

struct ncclComm {
  std::shared_ptr<emulated_nccl::Group> group;
  int rank;
  int device;
  size_t calls = 0;
};

namespace {

using emulated_nccl::Collective;
using emulated_nccl::Group;

/// The group of an id. Under the lock.
ncclResult_t Find(const ncclUniqueId& id, int size, std::shared_ptr<Group>* group) {
  static auto* groups = new std::map<std::string, std::shared_ptr<Group>>();
  std::shared_ptr<Group>& found = (*groups)[std::string(id.internal, sizeof(id.internal))];
  if (!found) found.reset(new Group{size});
  *group = found;
  return found->size == size ? ncclSuccess : ncclInvalidUsage;
}

/// Counts the rank's next call. Under the lock.
std::shared_ptr<Collective> Call(ncclComm_t comm) {
  auto& collectives = comm->group->collectives;
  if (comm->calls == collectives.size()) {
    collectives.push_back(std::make_shared<Collective>());
    collectives.back()->buffers.resize(comm->group->size);
    collectives.back()->before.resize(comm->group->size);
  }
  const auto& collective = collectives[comm->calls++];
  ++collective->calls;
  return collective;
}

/// Whether ranks of one process read each other's buffers in place.
bool ReadsDirectly() {
  const char* disabled = std::getenv("NCCL_P2P_DIRECT_DISABLE");
  return !disabled || std::strcmp(disabled, "1") != 0;
}

/// Queues combine(buffers of all ranks), which the first stream to get there does for all.
template <typename Combine>
ncclResult_t Queue(ncclComm_t comm, void* mine, cudaStream_t stream, const Combine& combine) {
  if (comm->device != emulated_cuda::DeviceOfThread() || !emulated_cuda::IsDeviceMemory(mine)) {
    return ncclInvalidUsage;
  }
  // A fault of the GPU in truth: pools are closed to other devices.
  if (ReadsDirectly() && emulated_cuda::IsOfPool(mine)) return ncclInvalidUsage;
  std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
  const auto collective = Call(comm);
  const emulated_cuda::StreamPtr queue = emulated_cuda::Resolve(stream);
  collective->buffers[comm->rank] = mine;
  collective->before[comm->rank] = emulated_cuda::EndOf(queue);
  emulated_cuda::Push(queue, [=, group = comm->group] {
    if (collective->done || group->aborted) return true;
    if (collective->calls < group->size) return false;
    for (const emulated_cuda::Mark& mark : collective->before) {
      if (!emulated_cuda::Reach(mark)) return false;
    }
    combine(collective->buffers);
    return collective->done = true;
  });
  return ncclInProgress;
}

template <typename T>
void Average(const std::vector<void*>& buffers, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    T sum = 0;
    for (const void* buffer : buffers) sum += static_cast<const T*>(buffer)[i];
    for (void* buffer : buffers) static_cast<T*>(buffer)[i] = sum / T(buffers.size());
  }
}

}  // namespace

const char* ncclGetErrorString(ncclResult_t) { return "error of the emulated NCCL"; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static std::atomic<int> made(0);
  *id = {};
  const std::string text = std::to_string(++made);
  std::memcpy(id->internal, text.data(), text.size());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t*) {
  std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
  std::shared_ptr<Group> group;
  const ncclResult_t status = Find(id, size, &group);
  if (status != ncclSuccess) return status;
  *comm = new ncclComm{group, rank, emulated_cuda::DeviceOfThread()};
  Call(*comm);
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
  const auto& last = comm->group->collectives[comm->calls - 1];
  *state = last->calls < comm->group->size ? ncclInProgress : ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
  Call(comm);
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  {
    std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
    comm->group->aborted = true;
  }
  return ncclCommDestroy(comm);
}

ncclResult_t ncclGroupStart() { return ncclSuccess; }

ncclResult_t ncclGroupEnd() { return ncclInProgress; }

ncclResult_t ncclBroadcast(const void*, void* buffer, size_t bytes, ncclDataType_t, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  return Queue(comm, buffer, stream, [=](const std::vector<void*>& buffers) {
    for (void* to : buffers) {
      if (to != buffers[root]) std::memcpy(to, buffers[root], bytes);
    }
  });
}

ncclResult_t ncclAllReduce(const void*, void* buffer, size_t count, ncclDataType_t type,
                           ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
  return Queue(comm, buffer, stream, [=](const std::vector<void*>& buffers) {
    if (type == ncclFloat32) Average<float>(buffers, count);
    if (type == ncclFloat64) Average<double>(buffers, count);
  });
}
