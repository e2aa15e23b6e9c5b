#ifndef TESTS_EMULATED_NCCL_H_
#define TESTS_EMULATED_NCCL_H_

/// The part of NCCL that caffe uses, between threads; see cuda_runtime.h. Calls return at once, as
/// those of a communicator with blocking = 0: a collective is done by the last rank that queues it,
/// and in progress for the others until then.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <cuda_runtime.h>

enum ncclResult_t { ncclSuccess = 0, ncclInvalidUsage = 5, ncclInProgress = 7 };
enum ncclDataType_t { ncclChar = 0, ncclFloat32 = 7, ncclFloat64 = 8 };
enum ncclRedOp_t { ncclAvg = 4 };
struct ncclUniqueId {
  char internal[128];
};
struct ncclConfig_t {
  int blocking;
};
#define NCCL_CONFIG_INITIALIZER \
  { 1 }

inline const char* ncclGetErrorString(ncclResult_t) { return "error of the emulated NCCL"; }

namespace emulated_nccl {

struct Group {
  std::mutex mutex;
  int size = 0;
  // What each rank has queued, one buffer a collective; how many of them are done.
  std::vector<std::vector<void*>> queued;
  size_t done = 0;
};

inline ncclResult_t Find(const ncclUniqueId& id, int size, std::shared_ptr<Group>* group) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<Group>> groups;
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<Group>& found = groups[std::string(id.internal, sizeof(id.internal))];
  if (!found) {
    found = std::make_shared<Group>();
    found->size = size;
    found->queued.resize(size);
  }
  *group = found;
  return found->size == size ? ncclSuccess : ncclInvalidUsage;
}

}  // namespace emulated_nccl

struct ncclComm {
  std::shared_ptr<emulated_nccl::Group> group;
  int rank;
};
typedef ncclComm* ncclComm_t;

namespace emulated_nccl {

/// combine(buffers of all ranks), by the last of them.
template <typename Combine>
ncclResult_t Queue(ncclComm_t comm, void* mine, const Combine& combine) {
  Group& group = *comm->group;
  std::lock_guard<std::mutex> lock(group.mutex);
  const size_t number = group.queued[comm->rank].size();
  group.queued[comm->rank].push_back(mine);
  std::vector<void*> buffers;
  for (const auto& queued : group.queued) {
    if (queued.size() <= number) return ncclInProgress;
    buffers.push_back(queued[number]);
  }
  combine(buffers);
  group.done = number + 1;
  return ncclSuccess;
}

template <typename T>
void Average(const std::vector<void*>& buffers, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    T sum = 0;
    for (const void* buffer : buffers) sum += static_cast<const T*>(buffer)[i];
    for (void* buffer : buffers) static_cast<T*>(buffer)[i] = sum / T(buffers.size());
  }
}

}  // namespace emulated_nccl

inline ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static std::mutex mutex;
  static int made = 0;
  std::lock_guard<std::mutex> lock(mutex);
  *id = {};
  std::string text = std::to_string(++made);
  std::memcpy(id->internal, text.data(), text.size());
  return ncclSuccess;
}
inline ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank,
                                           ncclConfig_t*) {
  std::shared_ptr<emulated_nccl::Group> group;
  const ncclResult_t status = emulated_nccl::Find(id, size, &group);
  if (status != ncclSuccess) return status;
  *comm = new ncclComm{group, rank};
  return emulated_nccl::Queue(*comm, nullptr, [](const auto&) {});
}
inline ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  std::lock_guard<std::mutex> lock(comm->group->mutex);
  const bool pending = comm->group->queued[comm->rank].size() > comm->group->done;
  *state = pending ? ncclInProgress : ncclSuccess;
  return ncclSuccess;
}
inline ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  return emulated_nccl::Queue(comm, nullptr, [](const auto&) {});
}
inline ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}
inline ncclResult_t ncclCommAbort(ncclComm_t comm) { return ncclCommDestroy(comm); }
inline ncclResult_t ncclGroupStart() { return ncclSuccess; }
inline ncclResult_t ncclGroupEnd() { return ncclInProgress; }
inline ncclResult_t ncclBroadcast(const void*, void* buffer, size_t bytes, ncclDataType_t, int root,
                                  ncclComm_t comm, cudaStream_t) {
  return emulated_nccl::Queue(comm, buffer, [=](const std::vector<void*>& buffers) {
    for (void* to : buffers) {
      if (to != buffers[root]) std::memcpy(to, buffers[root], bytes);
    }
  });
}
inline ncclResult_t ncclAllReduce(const void*, void* buffer, size_t count, ncclDataType_t type,
                                  ncclRedOp_t, ncclComm_t comm, cudaStream_t) {
  return emulated_nccl::Queue(comm, buffer, [=](const std::vector<void*>& buffers) {
    if (type == ncclFloat32) emulated_nccl::Average<float>(buffers, count);
    if (type == ncclFloat64) emulated_nccl::Average<double>(buffers, count);
  });
}

#endif  // TESTS_EMULATED_NCCL_H_
