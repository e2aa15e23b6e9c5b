// The half of SyncedMemory that is on the GPU.
#include "caffe/syncedmem.hpp"

#ifndef CPU_ONLY
#include <atomic>
#include <utility>

#include "caffe/util/math_functions.hpp"
#include "core/device_memory.hpp"
#include "core/device_pool.hpp"
#endif

namespace caffe {

#ifdef CPU_ONLY

void SyncedMemory::to_gpu() { NO_GPU; }
const void* SyncedMemory::gpu_data() { NO_GPU; }
void* SyncedMemory::mutable_gpu_data() { NO_GPU; }
void SyncedMemory::set_gpu_data(void*, const shared_ptr<void>&) { NO_GPU; }
void SyncedMemory::free_gpu() {}

#else

namespace {

int ThreadNumber() {
  static std::atomic<int> last(0);
  static thread_local const int number = ++last;
  return number;
}

}  // namespace

void SyncedMemory::EnterGpu(bool write) {
  CHECK_EQ(ThisDevice(), device_)
      << ": the thread's GPU is not the one where these values are: set the "
      << "device before a net is made, and leave it so while the net runs";
  const int user = gpu_user_, self = ThreadNumber();
  if (user == self || (user == kSeveral && !write)) return;
  if (user != 0) CUDA_CHECK(cudaDeviceSynchronize());
  gpu_user_ = user == 0 || write ? self : kSeveral;
}

void SyncedMemory::free_gpu() {
  if (gpu_ptr_ && own_gpu_data_) {
    const int user = gpu_user_;
    GiveBackDeviceMemory(gpu_ptr_, device_, user != 0 && user != ThreadNumber());
  }
  gpu_user_ = 0;
  gpu_ptr_ = nullptr;
  own_gpu_data_ = false;
  gpu_owner_.reset();
}

void SyncedMemory::allocate_gpu() {
  if (gpu_ptr_) return;
  gpu_ptr_ = TakeDeviceMemory(size_, ThreadStream(), &device_);
  own_gpu_data_ = true;
}

void SyncedMemory::upload() {
  EnterGpu(true);
  CUDA_CHECK(cudaMemcpyAsync(gpu_ptr_, cpu_ptr_, size_, cudaMemcpyHostToDevice, ThreadStream()));
  // Whoever keeps the address of the host's copy may write there at any time.
  if (viewed() || !own_cpu_data()) {
    CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  } else {
    uploaded_.Record(ThreadStream());
  }
}

void SyncedMemory::to_gpu() {
  allocate_gpu();
  switch (head_) {
    case UNINITIALIZED:
      EnterGpu(true);
      caffe_gpu_memset(size_, 0, gpu_ptr_);
      head_ = HEAD_AT_GPU;
      break;
    case HEAD_AT_LAYOUT:
      if (layout_->on_gpu()) {
        EnterGpu(true);
        layout_->ToPlain(gpu_ptr_);
        head_ = HEAD_AT_GPU;
        break;
      }
      to_cpu();
      [[fallthrough]];
    case HEAD_AT_CPU:
      upload();
      head_ = SYNCED;
      break;
    case HEAD_AT_GPU:
    case SYNCED:
      break;
  }
}

const void* SyncedMemory::gpu_data() {
  CheckNotReleased();
  to_gpu();
  EnterGpu(false);
  return gpu_ptr_;
}

void* SyncedMemory::mutable_gpu_data() {
  CheckNotReleased();
  to_gpu();
  EnterGpu(true);
  head_ = HEAD_AT_GPU;
  layout_.reset();
  return gpu_ptr_;
}

void* SyncedMemory::overwrite_gpu_data() {
  allocate_gpu();
  released_ = false;
  EnterGpu(true);
  head_ = HEAD_AT_GPU;
  layout_.reset();
  return gpu_ptr_;
}

bool SyncedMemory::TakeFromGpu(SyncedMemory* other) {
  const bool there = other->head_ == HEAD_AT_GPU || other->head_ == SYNCED;
  if (!there || !other->own_gpu_data_ || size_ != other->size_) return false;
  overwrite_gpu_data();
  if (!own_gpu_data_ || device_ != other->device_) return false;
  other->EnterGpu(true);
  std::swap(gpu_ptr_, other->gpu_ptr_);
  other->overwrite_gpu_data();
  return true;
}

void SyncedMemory::set_gpu_data(void* data, const shared_ptr<void>& owner) {
  CHECK(data) << "the memory to use must not be null";
  free_gpu();
  device_ = ThisDevice();
  gpu_ptr_ = data;
  gpu_owner_ = owner;
  released_ = false;
  head_ = HEAD_AT_GPU;
  layout_.reset();
}

void SyncedMemory::async_gpu_push(const cudaStream_t& stream) {
  CHECK_EQ(head_, HEAD_AT_CPU) << " only host contents can be pushed to the GPU";
  if (!gpu_ptr_) {
    gpu_ptr_ = TakeDeviceMemory(size_, stream, &device_);
    own_gpu_data_ = true;
  }
  CUDA_CHECK(cudaMemcpyAsync(gpu_ptr_, cpu_ptr_, size_, cudaMemcpyHostToDevice, stream));
  head_ = SYNCED;
  gpu_user_ = 0;
}

#endif  // CPU_ONLY

}  // namespace caffe
