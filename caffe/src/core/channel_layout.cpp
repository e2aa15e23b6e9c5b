#include "core/channel_layout.hpp"

#include <boost/make_shared.hpp>

#include "core/device_memory.hpp"
#include "core/reorder.hpp"

namespace caffe {

BlockedStore::BlockedStore(const ChannelLayout& layout, Place place)
    : layout_(layout), place_(place) {
#ifndef CPU_ONLY
  if (place == Place::kGpu) {
    int device = 0;
    values_ = TakeDeviceMemory(layout.bytes(), ThreadStream(), &device);
    user_.Begin(device);
    user_.Enter(true);
    return;
  }
#endif
  CaffeMallocHost(&values_, layout.bytes(), &pinned_);
}

BlockedStore::~BlockedStore() {
#ifndef CPU_ONLY
  if (place_ == Place::kGpu) {
    GiveBackDeviceMemory(values_, user_.device(), user_.IsAnother());
    return;
  }
#endif
  CaffeFreeHost(values_, pinned_);
}

int BlockedStore::device() const {
#ifndef CPU_ONLY
  return user_.device();
#else
  return -1;
#endif
}

const void* BlockedStore::Read() const {
#ifndef CPU_ONLY
  if (place_ == Place::kGpu) user_.Enter(false);
#endif
  return values_;
}

void* BlockedStore::Write() {
#ifndef CPU_ONLY
  if (place_ == Place::kGpu) user_.Enter(true);
#endif
  return values_;
}

void BlockedStore::ToPlain(void* plain) const {
  ReorderAt(place_, layout_, Read(), layout_.Plain(), plain);
}

namespace {

template <typename Dtype>
SyncedMemory* MemoryOf(const Blob<Dtype>& blob, Part part) {
  return (part == Part::kData ? blob.data() : blob.diff()).get();
}

// The blob's contents in an order of their own at a place, or null. A blob that shares its memory
// may see it in another shape; only the plain order means the same to both.
template <typename Dtype>
shared_ptr<BlockedStore> StoreOf(const Blob<Dtype>& blob, Part part, Place place) {
  if (!std::is_same<Dtype, float>::value) return nullptr;
  const auto store = boost::dynamic_pointer_cast<BlockedStore>(MemoryOf(blob, part)->layout());
  const bool fits =
      store && store->place() == place && store->layout().Plain() == PlainLayout(blob);
  return fits ? store : nullptr;
}

const void* PlainBytes(SyncedMemory* memory, Place place) {
  return place == Place::kGpu ? memory->gpu_data() : memory->cpu_data();
}

void* OverwritePlain(SyncedMemory* memory, Place place) {
#ifndef CPU_ONLY
  if (place == Place::kGpu) return memory->overwrite_gpu_data();
#endif
  return memory->overwrite_cpu_data();
}

}  // namespace

template <typename Dtype>
ChannelLayout PlainLayout(const Blob<Dtype>& blob) {
  ChannelLayout layout;
  const int axes = blob.num_axes();
  if (axes > 0) layout.num = blob.shape(0);
  if (axes > 1) layout.channels = blob.shape(1);
  if (axes > 2) layout.height = blob.shape(2);
  if (axes > 3) layout.width = blob.count(3);
  return layout;
}

template <typename Dtype>
ChannelLayout StoredLayout(const Blob<Dtype>& blob, Part part, Place place) {
  const auto store = StoreOf(blob, part, place);
  if (!store) return PlainLayout(blob);
  // Beside exact contents a store with rounded ones is a copy for those who ask for it.
  const bool exact = store->layout().element == Element::kFloat ||
                     MemoryOf(blob, part)->head() == SyncedMemory::HEAD_AT_LAYOUT;
  return exact ? store->layout() : PlainLayout(blob);
}

namespace {

// Makes values in the order asked for and keeps them beside the present ones.
template <typename Dtype>
const void* ReadReordered(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part,
                          Place place) {
  SyncedMemory* memory = MemoryOf(blob, part);
  const auto store = StoreOf(blob, part, place);
  const ChannelLayout stored = StoredLayout(blob, part, place);
  const bool from_store = store && stored == store->layout();
  if (from_store && store->rounded() && store->rounded()->layout() == layout) {
    return store->rounded()->Read();
  }
  const auto reordered = boost::make_shared<BlockedStore>(layout, place);
  const void* source = from_store ? store->Read() : PlainBytes(memory, place);
  ReorderAt(place, stored, source, layout, reordered->Write());
  const bool loses = from_store && memory->head() == SyncedMemory::HEAD_AT_LAYOUT &&
                     stored.element == Element::kFloat && layout.element != Element::kFloat;
  if (loses) {
    store->set_rounded(reordered);
  } else {
    memory->add_layout(reordered);
  }
  return reordered->Read();
}

}  // namespace

template <typename Dtype>
const void* ReadBytes(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part,
                      Place place) {
  if (layout.plain()) return PlainBytes(MemoryOf(blob, part), place);
  const auto store = StoreOf(blob, part, place);
  if (store && store->layout() == layout) return store->Read();
  CHECK((std::is_same<Dtype, float>::value)) << "only float blobs have layouts of their own";
  return ReadReordered(layout, blob, part, place);
}

template <typename Dtype>
void* WriteBytes(const ChannelLayout& layout, Blob<Dtype>* blob, Part part, Place place) {
  SyncedMemory* memory = MemoryOf(*blob, part);
  if (layout.plain()) return OverwritePlain(memory, place);
  CHECK((std::is_same<Dtype, float>::value)) << "only float blobs have layouts of their own";
  auto store = StoreOf(*blob, part, place);
  // What a reader has got may be written to.
  if (store && store->rounded() && store->rounded()->layout() == layout) store = store->rounded();
  if (!store || store->layout() != layout) {
    store = boost::make_shared<BlockedStore>(layout, place);
  }
  void* const values = store->Write();
  store->set_rounded(nullptr);
  memory->set_layout(store);
  return values;
}

#define INSTANTIATE_LAYOUT(Dtype)                                                               \
  template ChannelLayout PlainLayout<Dtype>(const Blob<Dtype>&);                                \
  template ChannelLayout StoredLayout<Dtype>(const Blob<Dtype>&, Part, Place);                  \
  template const void* ReadBytes<Dtype>(const ChannelLayout&, const Blob<Dtype>&, Part, Place); \
  template void* WriteBytes<Dtype>(const ChannelLayout&, Blob<Dtype>*, Part, Place)
INSTANTIATE_LAYOUT(float);
INSTANTIATE_LAYOUT(double);

}  // namespace caffe
