#include "caffe/syncedmem.hpp"

#include <cstring>

#include "core/this_device.hpp"

namespace caffe {

namespace {

std::shared_ptr<void> MakeHostMemory(size_t size) {
  void* memory;
  bool use_cuda;
  CaffeMallocHost(&memory, size, &use_cuda);
  return {memory, [use_cuda](void* ptr) { CaffeFreeHost(ptr, use_cuda); }};
}

}  // namespace

SyncedMemory::SyncedMemory() : SyncedMemory(0) {}

SyncedMemory::SyncedMemory(size_t size) : size_(size) {}

SyncedMemory::~SyncedMemory() {
  free_cpu();
  free_gpu();
}

void SyncedMemory::allocate_cpu() {
  if (cpu_ptr_) return;
  own_cpu_ = MakeHostMemory(size_);
  cpu_ptr_ = own_cpu_.get();
}

void SyncedMemory::free_cpu() {
#ifndef CPU_ONLY
  // An error of the GPU is reported where it has happened.
  if (cpu_ptr_) uploaded_.Wait();
#endif
  cpu_ptr_ = nullptr;
  own_cpu_.reset();
  cpu_owner_.reset();
}

void SyncedMemory::Release() {
  if (viewed() || (cpu_ptr_ && !own_cpu_data()) || (gpu_ptr_ && !own_gpu_data_)) return;
  free_cpu();
  free_gpu();
  layout_.reset();
  head_ = UNINITIALIZED;
  released_ = true;
}

void SyncedMemory::KeepOnlyLayout() {
  if (!layout_ || head_ != HEAD_AT_CPU || !own_cpu_data() || viewed()) return;
  free_cpu();
  layout_->Relocate();
  head_ = HEAD_AT_LAYOUT;
}

void SyncedMemory::KeepOnlyPlain() {
  if (!layout_) return;
  if (head_ == HEAD_AT_LAYOUT) layout_->on_gpu() ? to_gpu() : to_cpu();
  layout_.reset();
}

void SyncedMemory::CheckNotReleased() const {
  CHECK(!released_) << "these values are not kept: the net frees its blobs as soon as it can; to "
                       "read them, set blob_lifetime: KEEP in the net (release_blobs: false in the "
                       "solver)";
}

void SyncedMemory::FinishUpload() {
#ifndef CPU_ONLY
  CUDA_CHECK(uploaded_.Wait());
#endif
}

void SyncedMemory::to_cpu() {
  if (head_ != HEAD_AT_CPU && head_ != SYNCED) FinishUpload();
  switch (head_) {
    case UNINITIALIZED:
      allocate_cpu();
      std::memset(cpu_ptr_, 0, size_);
      head_ = HEAD_AT_CPU;
      break;
    case HEAD_AT_LAYOUT:
      if (!layout_->on_gpu()) {
        allocate_cpu();
        layout_->ToPlain(cpu_ptr_);
        head_ = HEAD_AT_CPU;
        break;
      }
      [[fallthrough]];
    case HEAD_AT_GPU: {
#ifndef CPU_ONLY
      allocate_cpu();
      // The thread may have turned to another GPU.
      const AtDevice there(head_ == HEAD_AT_LAYOUT ? layout_->device() : gpu_user_.device());
      to_gpu();
      gpu_user_.Enter(false);
      CUDA_CHECK(
          cudaMemcpyAsync(cpu_ptr_, gpu_ptr_, size_, cudaMemcpyDeviceToHost, ThreadStream()));
      CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
      head_ = SYNCED;
#else
      NO_GPU;
#endif
      break;
    }
    case HEAD_AT_CPU:
    case SYNCED:
      break;
  }
}

const void* SyncedMemory::cpu_data() {
  CheckNotReleased();
  to_cpu();
  return cpu_ptr_;
}

void* SyncedMemory::mutable_cpu_data() {
  CheckNotReleased();
  to_cpu();
  FinishUpload();
  head_ = HEAD_AT_CPU;
  layout_.reset();
  return cpu_ptr_;
}

std::shared_ptr<void> SyncedMemory::ViewCpuData() {
  const void* const contents = mutable_cpu_data();
  if (!own_cpu_data()) {
    // Whoever lent the memory may take it back at any time.
    own_cpu_ = MakeHostMemory(size_);
    cpu_ptr_ = own_cpu_.get();
    std::memcpy(cpu_ptr_, contents, size_);
    cpu_owner_.reset();
  }
  return own_cpu_;
}

void* SyncedMemory::overwrite_cpu_data() {
  allocate_cpu();
  released_ = false;
  FinishUpload();
  head_ = HEAD_AT_CPU;
  layout_.reset();
  return cpu_ptr_;
}

void SyncedMemory::set_cpu_data(void* data, const shared_ptr<void>& owner) {
  CHECK(data) << "the memory to use must not be null";
  free_cpu();
  cpu_ptr_ = data;
  cpu_owner_ = owner;
  released_ = false;
  head_ = HEAD_AT_CPU;
  layout_.reset();
}

void SyncedMemory::set_layout(const shared_ptr<LayoutStore>& store) {
  CHECK(store) << "the layout to use must not be null";
  layout_ = store;
  released_ = false;
  head_ = HEAD_AT_LAYOUT;
}

void SyncedMemory::add_layout(const shared_ptr<LayoutStore>& store) {
  CHECK(store) << "the layout to keep must not be null";
  layout_ = store;
}

}  // namespace caffe
