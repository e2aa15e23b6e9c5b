#ifndef CAFFE_SYNCEDMEM_HPP_
#define CAFFE_SYNCEDMEM_HPP_

#include <cstddef>
#include <memory>

#include "caffe/common.hpp"
#include "caffe/util/device_event.hpp"
#include "caffe/util/device_user.hpp"

namespace caffe {

/// Host memory for blobs: aligned to 64 bytes (a cache line, an AVX-512 register), pinned when the
/// GPU mode is on (use_cuda tells, and goes back to CaffeFreeHost). Throws Error when there is
/// none.
void CaffeMallocHost(void** ptr, size_t size, bool* use_cuda);
void CaffeFreeHost(void* ptr, bool use_cuda);

/// Contents of a SyncedMemory in a layout of their own, e.g. oneDNN's blocked one.
///
/// A layer that computes in such a layout hands the result on as a LayoutStore; the next layer
/// takes it as it is, and only a reader of plain memory makes it be reordered.
class LayoutStore {
 public:
  virtual ~LayoutStore() = default;
  /// Writes the contents in plain (row-major) order; `plain` holds the memory's size in bytes, and
  /// is where the store is. Throws Error where that is not the thread's GPU.
  virtual void ToPlain(void* plain) const = 0;
  /// The GPU on which the store is; -1: it is on the host.
  virtual int device() const { return -1; }
  bool on_gpu() const { return device() >= 0; }
  /// Moves the contents to memory taken anew. Right after memory of their size was freed they fit
  /// into its place, and leave no gap that is too small for the next large blob.
  virtual void Relocate() {}
};

/// Memory that exists on the host, on the GPU and in a private layout, copied between them only
/// when a reader asks for a copy that is out of date. Allocated on first use, zeroed.
class SyncedMemory {
 public:
  SyncedMemory();
  explicit SyncedMemory(size_t size);
  ~SyncedMemory();

  const void* cpu_data();
  /// Makes memory of the caller the contents. `owner` is kept as long as they are used; without one
  /// the caller sees to it that they live as long.
  void set_cpu_data(void* data, const shared_ptr<void>& owner = shared_ptr<void>());
  const void* gpu_data();
  void set_gpu_data(void* data, const shared_ptr<void>& owner = shared_ptr<void>());
  void* mutable_cpu_data();
  void* mutable_gpu_data();
  /// For a writer of all of the contents: what was in it may be lost.
  void* overwrite_cpu_data();

  /// Frees the contents, which nobody needs any more; who asks for them gets an Error from now on.
  /// Keeps everything while somebody outside looks at the memory, or owns it.
  void Release();
  bool released() const { return released_; }
  /// Where a layout holds the contents, frees the plain copy beside it, unless somebody outside
  /// looks at that; who asks for it gets it made again (from rounded values, if it holds such).
  void KeepOnlyLayout();
  /// The other way round: plain memory holds the contents, and no layout beside it.
  void KeepOnlyPlain();
  /// Makes released memory like new memory again, which reads as zeros.
  void Renew() { released_ = false; }
  /// The contents, for somebody outside who keeps their address, e.g. a NumPy array. From now on
  /// they are in memory of their own, which lives as long as this pointer and its copies; those
  /// show what is in it when set_cpu_data puts another memory in its place.
  std::shared_ptr<void> ViewCpuData();

  /// Where the newest contents are.
  enum SyncedHead { UNINITIALIZED, HEAD_AT_CPU, HEAD_AT_GPU, SYNCED, HEAD_AT_LAYOUT };
  SyncedHead head() const { return head_; }
  /// In bytes, of the plain layout.
  size_t size() const { return size_; }

  /// The contents in a private layout, or null where they are not to be had in one. A store stays
  /// valid until somebody asks for mutable data.
  const shared_ptr<LayoutStore>& layout() const { return layout_; }
  /// Makes `store` the only up-to-date contents.
  void set_layout(const shared_ptr<LayoutStore>& store);
  /// Keeps `store`, a copy of the present contents, beside them until they change.
  void add_layout(const shared_ptr<LayoutStore>& store);

#ifndef CPU_ONLY
  /// Queues a copy of the host's contents to the GPU. The caller sees to it that neither side is
  /// written before, nor the GPU's read.
  void async_gpu_push(const cudaStream_t& stream);
  /// For a writer of all of the contents: what was in it may be lost.
  void* overwrite_gpu_data();
  /// Takes over the contents of `other`, of this size, on the GPU, which are undefined then. False
  /// where the contents are elsewhere, or either memory is somebody else's: nothing was done.
  bool TakeFromGpu(SyncedMemory* other);
#endif

 private:
  void to_cpu();
  void to_gpu();
  void allocate_gpu();
  void upload();
  void allocate_cpu();
  void free_cpu();
  /// Waits until the host's copy may be written.
  void FinishUpload();
  void free_gpu();
  void CheckNotReleased() const;
  bool own_cpu_data() const { return own_cpu_ != nullptr; }
  /// Whether somebody outside keeps the address of the contents.
  bool viewed() const { return own_cpu_.use_count() > 1; }

  void* cpu_ptr_ = nullptr;
  void* gpu_ptr_ = nullptr;
  size_t size_ = 0;
  SyncedHead head_ = UNINITIALIZED;
  /// The same memory as cpu_ptr_; null where that is somebody else's.
  std::shared_ptr<void> own_cpu_;
  /// What keeps somebody else's memory alive.
  shared_ptr<void> cpu_owner_, gpu_owner_;
  bool released_ = false;
  bool own_gpu_data_ = false;
  /// Of the GPU's copy.
  DeviceUser gpu_user_;
  /// After the last upload, during which the host's copy must stay as it is.
  DeviceEvent uploaded_;
  shared_ptr<LayoutStore> layout_;

  DISABLE_COPY_AND_ASSIGN(SyncedMemory);
};

}  // namespace caffe

#endif  // CAFFE_SYNCEDMEM_HPP_
