#include "caffe/syncedmem.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "caffe/util/math_functions.hpp"
#include "core/device_memory.hpp"
#include "core/device_pool.hpp"
#include "core/host_pool.hpp"

namespace caffe {

namespace {

const size_t kAlignment = 64;

}  // namespace

void CaffeMallocHost(void** ptr, size_t size, bool* use_cuda) {
  *use_cuda = false;
  *ptr = nullptr;
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    CUDA_CHECK(cudaMallocHost(ptr, size));
    *use_cuda = true;
    return;
  }
#endif
  if (size >= HostPool::kSmallest) *ptr = HostPool::Get().Take(size);
  if (*ptr) return;
  const size_t rounded = (std::max<size_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
  *ptr = std::aligned_alloc(kAlignment, rounded);
  CHECK(*ptr) << "no memory for " << size << " bytes: use a smaller batch or input";
}

void CaffeFreeHost(void* ptr, bool use_cuda) {
#ifndef CPU_ONLY
  if (use_cuda) {
    cudaFreeHost(ptr);
    return;
  }
#endif
  if (!HostPool::Get().GiveBack(ptr)) std::free(ptr);
}

namespace {

std::shared_ptr<void> MakeHostMemory(size_t size) {
  void* memory;
  bool use_cuda;
  CaffeMallocHost(&memory, size, &use_cuda);
  return {memory, [use_cuda](void* ptr) { CaffeFreeHost(ptr, use_cuda); }};
}

}  // namespace

#ifndef CPU_ONLY

namespace {

int ThreadNumber() {
  static std::atomic<int> last(0);
  static thread_local const int number = ++last;
  return number;
}

}  // namespace

void SyncedMemory::EnterGpu(bool write) {
  const int user = gpu_user_, self = ThreadNumber();
  if (user == self || (user == kSeveral && !write)) return;
  if (user != 0) {
    const AtDevice there(device_);
    CUDA_CHECK(cudaDeviceSynchronize());
  }
  gpu_user_ = user == 0 || write ? self : kSeveral;
}

#endif

SyncedMemory::SyncedMemory() : SyncedMemory(0) {}

SyncedMemory::SyncedMemory(size_t size) : size_(size) {
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) CUDA_CHECK(cudaGetDevice(&device_));
#endif
}

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
}

void SyncedMemory::free_gpu() {
#ifndef CPU_ONLY
  if (gpu_ptr_ && own_gpu_data_) {
    const int user = gpu_user_;
    GiveBackDeviceMemory(gpu_ptr_, device_, user != 0 && user != ThreadNumber());
  }
  gpu_user_ = 0;
#endif
  gpu_ptr_ = nullptr;
  own_gpu_data_ = false;
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
      to_gpu();
      [[fallthrough]];
    case HEAD_AT_GPU:
#ifndef CPU_ONLY
      allocate_cpu();
      EnterGpu(false);
      CUDA_CHECK(
          cudaMemcpyAsync(cpu_ptr_, gpu_ptr_, size_, cudaMemcpyDeviceToHost, ThreadStream()));
      CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
      head_ = SYNCED;
#else
      NO_GPU;
#endif
      break;
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

void SyncedMemory::set_cpu_data(void* data) {
  CHECK(data) << "the memory to use must not be null";
  free_cpu();
  cpu_ptr_ = data;
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

#ifdef CPU_ONLY

void SyncedMemory::to_gpu() { NO_GPU; }
const void* SyncedMemory::gpu_data() { NO_GPU; }
void* SyncedMemory::mutable_gpu_data() { NO_GPU; }
void SyncedMemory::set_gpu_data(void* data) { NO_GPU; }

#else

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

void SyncedMemory::set_gpu_data(void* data) {
  CHECK(data) << "the memory to use must not be null";
  free_gpu();
  CUDA_CHECK(cudaGetDevice(&device_));
  gpu_ptr_ = data;
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
