#include "device_queue.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "device_calls.hpp"
#include "host_waits.hpp"
#include "refusals.hpp"

struct cudaStreamOfHost {
  emulated_cuda::StreamPtr queue;
};

struct CUevent_st {
  struct Record {
    emulated_cuda::Mark mark;
    bool done = false;
    std::chrono::steady_clock::time_point time = {};
  };
  int device;
  std::shared_ptr<Record> last;
};

namespace emulated_cuda {

namespace {

thread_local int device_of_thread = 0;
thread_local int host_waits = 0;
std::atomic<bool> may_choose[kDevices] = {{true}, {true}};
std::atomic<bool> may_have_pools(true);
std::atomic<int> device_calls(0);
std::chrono::milliseconds spent(0);

std::vector<StreamPtr>& Streams() {
  static auto* streams = new std::vector<StreamPtr>();
  return *streams;
}

StreamPtr NewStream(int device, bool blocking) {
  Streams().push_back(StreamPtr(new Stream{device, blocking}));
  return Streams().back();
}

StreamPtr DefaultStream(int device) {
  static StreamPtr streams[kDevices];
  StreamPtr& stream = streams[device];
  // It waits for others by itself.
  if (!stream) stream = NewStream(device, false);
  return stream;
}

StreamPtr StreamOfThread() {
  static std::atomic<int> last(0);
  static thread_local const int thread = ++last;
  static auto* of_threads = new std::map<std::pair<int, int>, StreamPtr>();
  StreamPtr& stream = (*of_threads)[{thread, device_of_thread}];
  if (!stream) stream = NewStream(device_of_thread, true);
  return stream;
}

// Lets the stream wait for the mark.
void PushWait(Stream* stream, const Mark& mark) {
  stream->tasks.push_back([mark] { return Reach(mark); });
}

void WaitFor(const Mark& mark) {
  CountDeviceCall();
  std::unique_lock<std::mutex> lock(Lock());
  host_waits += mark.stream->done < mark.position;
  while (!Reach(mark)) {
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    lock.lock();
  }
}

Mark EndOfNamed(cudaStream_t stream) {
  const std::lock_guard<std::mutex> lock(Lock());
  return EndOf(Resolve(stream));
}

}  // namespace

std::mutex& Lock() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

int DeviceOfThread() { return device_of_thread; }

int HostWaits() { return host_waits; }

int DeviceCalls() { return device_calls; }
void CountDeviceCall() { ++device_calls; }

void MayChooseDevice(int device, bool may) { may_choose[device] = may; }
void MayChooseDevices(bool may) {
  for (int device = 0; device < kDevices; ++device) MayChooseDevice(device, may);
}

void MayHavePools(bool may) { may_have_pools = may; }

StreamPtr Resolve(cudaStream_t stream) {
  if (stream == nullptr) return DefaultStream(device_of_thread);
  return stream == cudaStreamPerThread ? StreamOfThread() : stream->queue;
}

Mark EndOf(const StreamPtr& stream) { return {stream, stream->end()}; }

void Push(const StreamPtr& stream, Task task) {
  const StreamPtr shared = DefaultStream(stream->device);
  if (stream == shared) {
    for (const StreamPtr& other : Streams()) {
      const bool in_order = other->device == stream->device && other->blocking;
      if (in_order && !other->tasks.empty()) PushWait(stream.get(), EndOf(other));
    }
  } else if (stream->blocking && stream->default_seen < shared->end()) {
    stream->default_seen = shared->end();
    PushWait(stream.get(), EndOf(shared));
  }
  stream->tasks.push_back(std::move(task));
}

bool Reach(const Mark& mark) {
  Stream& stream = *mark.stream;
  for (; stream.done < mark.position; ++stream.done) {
    if (!stream.tasks.front()()) return false;
    stream.tasks.pop_front();
  }
  return true;
}

void Spend(std::chrono::milliseconds time) { spent += time; }

cudaError_t Queue(cudaStream_t stream, std::function<void()> work) {
  CountDeviceCall();
  const std::lock_guard<std::mutex> lock(Lock());
  const StreamPtr queue = Resolve(stream);
  if (queue->device != device_of_thread) return cudaErrorInvalidResourceHandle;
  Push(queue, [work = std::move(work)] {
    work();
    return true;
  });
  return cudaSuccess;
}

bool LibraryHandle::Call(std::initializer_list<const void*> pointers,
                         std::function<void()> work) const {
  for (const void* pointer : pointers) {
    if (!IsUsable(pointer)) return false;
  }
  return device == DeviceOfThread() && Queue(stream, std::move(work)) == cudaSuccess;
}

}  // namespace emulated_cuda

using emulated_cuda::device_of_thread;

// ---- devices ----

cudaError_t cudaGetDeviceCount(int* count) {
  *count = emulated_cuda::kDevices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = device_of_thread;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  emulated_cuda::CountDeviceCall();
  if (device < 0 || device >= emulated_cuda::kDevices) return cudaErrorInvalidDevice;
  if (!emulated_cuda::may_choose[device]) return cudaErrorDevicesUnavailable;
  device_of_thread = device;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  std::vector<emulated_cuda::Mark> marks;
  {
    const std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
    for (const emulated_cuda::StreamPtr& stream : emulated_cuda::Streams()) {
      if (stream->device == device_of_thread) marks.push_back(EndOf(stream));
    }
  }
  for (const emulated_cuda::Mark& mark : marks) emulated_cuda::WaitFor(mark);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = cudaDeviceProp();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  if (attribute != cudaDevAttrMemoryPoolsSupported) return cudaErrorInvalidValue;
  *value = emulated_cuda::may_have_pools;
  return cudaSuccess;
}

// ---- streams ----

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  emulated_cuda::CountDeviceCall();
  const std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
  *stream = new cudaStreamOfHost{
      emulated_cuda::NewStream(device_of_thread, flags != cudaStreamNonBlocking)};
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  emulated_cuda::WaitFor(emulated_cuda::EndOfNamed(stream));
  return cudaSuccess;
}

// What is queued stays so.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}

// ---- events ----

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  emulated_cuda::CountDeviceCall();
  *event = new CUevent_st{device_of_thread, nullptr};
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (event->device != device_of_thread) return cudaErrorInvalidResourceHandle;
  const auto record = std::make_shared<CUevent_st::Record>();
  const cudaError_t status = emulated_cuda::Queue(stream, [record] {
    record->time = std::chrono::steady_clock::now() + emulated_cuda::spent;
    record->done = true;
  });
  if (status != cudaSuccess) return status;
  record->mark = emulated_cuda::EndOfNamed(stream);
  event->last = record;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->last) emulated_cuda::WaitFor(event->last->mark);
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  if (!start->last || !stop->last) return cudaErrorInvalidResourceHandle;
  if (!start->last->done || !stop->last->done) return cudaErrorNotReady;
  *milliseconds =
      std::chrono::duration<float, std::milli>(stop->last->time - start->last->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (!event->last) return cudaSuccess;
  const std::lock_guard<std::mutex> lock(emulated_cuda::Lock());
  emulated_cuda::Push(emulated_cuda::Resolve(stream),
                      [mark = event->last->mark] { return emulated_cuda::Reach(mark); });
  return cudaSuccess;
}
