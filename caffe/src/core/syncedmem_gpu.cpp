// The half of SyncedMemory that is on the GPU.
#include "caffe/syncedmem.hpp"

#ifndef CPU_ONLY
#include <utility>

#include "caffe/util/math_functions.hpp"
#include "core/device_memory.hpp"
#include "core/device_pool.hpp"
#include "core/this_device.hpp"
#endif

namespace caffe {

#ifdef CPU_ONLY

void SyncedMemory::to_gpu() { NO_GPU; }
const void* SyncedMemory::gpu_data() { NO_GPU; }
void* SyncedMemory::mutable_gpu_data() { NO_GPU; }
void SyncedMemory::set_gpu_data(void*, const shared_ptr<void>&) { NO_GPU; }
void SyncedMemory::free_gpu() {}

#else

void SyncedMemory::free_gpu() {
  if (gpu_ptr_ && own_gpu_data_) {
    GiveBackDeviceMemory(gpu_ptr_, gpu_user_.device(), gpu_user_.IsAnother());
  }
  gpu_ptr_ = nullptr;
  own_gpu_data_ = false;
  gpu_owner_.reset();
}

void SyncedMemory::allocate_gpu() {
  if (gpu_ptr_) return;
  int device = 0;
  gpu_ptr_ = TakeDeviceMemory(size_, ThreadStream(), &device);
  gpu_user_.Begin(device);
  own_gpu_data_ = true;
}

void SyncedMemory::upload() {
  gpu_user_.Enter(true);
  CUDA_CHECK(cudaMemcpyAsync(gpu_ptr_, cpu_ptr_, size_, cudaMemcpyHostToDevice, ThreadStream()));
  // Whoever keeps the address of the host's copy may write there at any time.
  if (viewed() || !own_cpu_data()) {
    CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  } else {
    uploaded_.Record(ThreadStream());
  }
}

void SyncedMemory::to_gpu() {
  const bool from_layout = head_ == HEAD_AT_LAYOUT && layout_->on_gpu();
  // Before memory is taken on the wrong one.
  if (from_layout) CheckThreadIsAt(layout_->device());
  allocate_gpu();
  switch (head_) {
    case UNINITIALIZED:
      gpu_user_.Enter(true);
      caffe_gpu_memset(size_, 0, gpu_ptr_);
      head_ = HEAD_AT_GPU;
      break;
    case HEAD_AT_LAYOUT:
      if (from_layout) {
        gpu_user_.Enter(true);
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
  gpu_user_.Enter(false);
  return gpu_ptr_;
}

void* SyncedMemory::mutable_gpu_data() {
  CheckNotReleased();
  to_gpu();
  gpu_user_.Enter(true);
  head_ = HEAD_AT_GPU;
  layout_.reset();
  return gpu_ptr_;
}

void* SyncedMemory::overwrite_gpu_data() {
  allocate_gpu();
  released_ = false;
  gpu_user_.Enter(true);
  head_ = HEAD_AT_GPU;
  layout_.reset();
  return gpu_ptr_;
}

bool SyncedMemory::TakeFromGpu(SyncedMemory* other) {
  const bool there = other->head_ == HEAD_AT_GPU || other->head_ == SYNCED;
  if (!there || !other->own_gpu_data_ || size_ != other->size_) return false;
  overwrite_gpu_data();
  if (!own_gpu_data_ || gpu_user_.device() != other->gpu_user_.device()) return false;
  other->gpu_user_.Enter(true);
  std::swap(gpu_ptr_, other->gpu_ptr_);
  other->overwrite_gpu_data();
  return true;
}

void SyncedMemory::set_gpu_data(void* data, const shared_ptr<void>& owner) {
  CHECK(data) << "the memory to use must not be null";
  free_gpu();
  gpu_user_.Begin(ThisDevice());
  gpu_ptr_ = data;
  gpu_owner_ = owner;
  released_ = false;
  head_ = HEAD_AT_GPU;
  layout_.reset();
}

void SyncedMemory::async_gpu_push(const cudaStream_t& stream) {
  CHECK_EQ(head_, HEAD_AT_CPU) << " only host contents can be pushed to the GPU";
  int device = gpu_user_.device();
  if (!gpu_ptr_) {
    gpu_ptr_ = TakeDeviceMemory(size_, stream, &device);
    own_gpu_data_ = true;
  }
  CUDA_CHECK(cudaMemcpyAsync(gpu_ptr_, cpu_ptr_, size_, cudaMemcpyHostToDevice, stream));
  // The host's memory, which goes to others when it is freed, is read until then.
  uploaded_.Record(stream);
  head_ = SYNCED;
  gpu_user_.Begin(device);
}

#endif  // CPU_ONLY

}  // namespace caffe
