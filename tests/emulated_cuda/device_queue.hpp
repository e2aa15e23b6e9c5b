#ifndef TESTS_EMULATED_DEVICE_QUEUE_HPP_
#define TESTS_EMULATED_DEVICE_QUEUE_HPP_

/// What the emulated GPUs have to do. Nothing of it is done before something waits for it: a copy
/// that is read too early, a buffer that is filled anew too early, or a stream that does not wait
/// for another one shows as a wrong number. The thread that waits does the work.

#include <chrono>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda_runtime.h"

namespace emulated_cuda {

constexpr int kDevices = 2;

/// Says whether it is done; false: it needs what another thread of the host has yet to queue.
using Task = std::function<bool()>;

struct Stream {
  int device;
  /// Whether it and the default stream wait for each other.
  bool blocking;
  std::deque<Task> tasks = {};
  size_t done = 0;
  /// How much of the default stream the tasks wait for.
  size_t default_seen = 0;

  size_t end() const { return done + tasks.size(); }
};
using StreamPtr = std::shared_ptr<Stream>;

/// The place in a stream behind what is queued there.
struct Mark {
  StreamPtr stream;
  size_t position = 0;
};

/// Guards the streams and what tasks change.
std::mutex& Lock();
int DeviceOfThread();

// ---- under the lock ----

/// What a stream's name means to this thread.
StreamPtr Resolve(cudaStream_t stream);
Mark EndOf(const StreamPtr& stream);
/// Puts a task at a stream's end.
void Push(const StreamPtr& stream, Task task);
/// Does what stands before the mark, if it can.
bool Reach(const Mark& mark);
/// Lets events believe that the task which calls it takes so much longer.
void Spend(std::chrono::milliseconds time);

// ---- without it ----

/// Each call for which CUDA starts on a GPU begins with it (device_calls.hpp).
void CountDeviceCall();
/// Queues work, which must keep all that it needs, on a stream of the thread's device.
cudaError_t Queue(cudaStream_t stream, std::function<void()> work);
bool IsDeviceMemory(const void* pointer);
/// Whether it is a pool's: its own device alone has access to it.
bool IsOfPool(const void* pointer);
/// Whether this much memory, one allocation's, is there on the thread's device.
bool HoldsOnDevice(const void* pointer, size_t size);
/// Whether the memory may be used by work of the thread's device. Null is no memory at all.
bool IsUsable(const void* pointer);

/// What the handles of the libraries have in common: each is of the device where it was made.
struct LibraryHandle {
  int device = DeviceOfThread();
  cudaStream_t stream = nullptr;

  /// Queues work of a call with these pointers. False where the thread is at another device, or a
  /// pointer is not to that device's memory.
  bool Call(std::initializer_list<const void*> pointers, std::function<void()> work) const;
};

}  // namespace emulated_cuda

#endif  // TESTS_EMULATED_DEVICE_QUEUE_HPP_
