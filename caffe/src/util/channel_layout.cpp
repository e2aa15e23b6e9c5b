#include "util/channel_layout.hpp"

#include <atomic>
#include <cstring>
#include <type_traits>

#include <boost/make_shared.hpp>

#include "caffe/util/layout_count.hpp"
#include "caffe/util/parallel_for.hpp"

namespace caffe {

namespace {

std::atomic<int64_t> reorders{0};

// Positions of an image plane handled together when blocks are taken apart or put together, so that
// both sides stay in the cache.
const int kTile = 64;

// Copies `count` pixels of one plane of interleaved channels to (or from) separate planes that lie
// `stride` apart.
template <bool kToBlocked>
void Interleave(float* blocked, float* plain, int channels, int block, std::ptrdiff_t stride,
                int count) {
  for (int first = 0; first < count; first += kTile) {
    const int last = std::min(count, first + kTile);
    for (int c = 0; c < channels; ++c) {
      float* plane = plain + c * stride;
      if (kToBlocked) {
        for (int i = first; i < last; ++i) blocked[i * block + c] = plane[i];
      } else {
        for (int i = first; i < last; ++i) plane[i] = blocked[i * block + c];
      }
    }
    if (!kToBlocked) continue;
    for (int c = channels; c < block; ++c) {
      for (int i = first; i < last; ++i) blocked[i * block + c] = 0;
    }
  }
}

// Between plain order and blocks; `layout` is the blocked side.
template <bool kToBlocked>
void ConvertPlain(const ChannelLayout& layout, float* blocked, float* plain) {
  const int area = layout.area();
  const int pieces = (area + kTile - 1) / kTile;
  const std::ptrdiff_t grain =
      std::max<std::ptrdiff_t>(1, kElementwiseGrain / kTile / layout.block);
  ParallelFor(layout.planes() * pieces, grain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t piece = begin; piece < end; ++piece) {
      const std::ptrdiff_t plane = piece / pieces;
      const int first = static_cast<int>(piece % pieces) * kTile;
      const std::ptrdiff_t image = plane / layout.blocks();
      const std::ptrdiff_t channel = image * layout.channels + layout.first_channel(plane);
      Interleave<kToBlocked>(blocked + plane * layout.plane_size() + first * layout.block,
                             plain + channel * area + first, layout.channels_of_plane(plane),
                             layout.block, area, std::min(kTile, area - first));
    }
  });
}

}  // namespace

int64_t LayoutReorders() { return reorders; }

void Reorder(const ChannelLayout& from, const float* source, const ChannelLayout& to,
             float* target) {
  ++reorders;
  CHECK(from.Plain() == to.Plain()) << "only blobs of one shape can be reordered into each other";
  if (from == to) {
    std::memcpy(target, source, sizeof(float) * from.size());
  } else if (from.plain()) {
    ConvertPlain<true>(to, target, const_cast<float*>(source));
  } else if (to.plain()) {
    ConvertPlain<false>(from, const_cast<float*>(source), target);
  } else {
    BlockedStore plain(from.Plain());
    Reorder(from, source, from.Plain(), plain.values());
    Reorder(from.Plain(), plain.values(), to, target);
  }
}

BlockedStore::BlockedStore(const ChannelLayout& layout) : layout_(layout) {
  void* memory = nullptr;
  CaffeMallocHost(&memory, sizeof(float) * layout.size(), &pinned_);
  values_ = static_cast<float*>(memory);
}

BlockedStore::~BlockedStore() { CaffeFreeHost(values_, pinned_); }

void BlockedStore::ToPlain(void* plain) const {
  Reorder(layout_, values_, layout_.Plain(), static_cast<float*>(plain));
}

namespace {

template <typename Dtype>
SyncedMemory* MemoryOf(const Blob<Dtype>& blob, Part part) {
  return (part == Part::kData ? blob.data() : blob.diff()).get();
}

// The blob's blocked contents, or null. A blob that shares its memory may see it in another shape;
// only the plain order means the same to both.
template <typename Dtype>
shared_ptr<BlockedStore> StoreOf(const Blob<Dtype>& blob, Part part) {
  if (!std::is_same<Dtype, float>::value) return nullptr;
  const auto store = boost::dynamic_pointer_cast<BlockedStore>(MemoryOf(blob, part)->layout());
  if (store && store->layout().Plain() != PlainLayout(blob)) return nullptr;
  return store;
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
ChannelLayout LayoutOf(const Blob<Dtype>& blob, Part part) {
  const auto store = StoreOf(blob, part);
  return store ? store->layout() : PlainLayout(blob);
}

template <typename Dtype>
const Dtype* ReadIn(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part) {
  SyncedMemory* memory = MemoryOf(blob, part);
  if (layout.plain()) return static_cast<const Dtype*>(memory->cpu_data());
  if constexpr (std::is_same<Dtype, float>::value) {
    auto store = StoreOf(blob, part);
    if (!store || store->layout() != layout) {
      const auto reordered = boost::make_shared<BlockedStore>(layout);
      if (store) {
        Reorder(store->layout(), store->values(), layout, reordered->values());
      } else {
        Reorder(layout.Plain(), static_cast<const float*>(memory->cpu_data()), layout,
                reordered->values());
      }
      memory->add_layout(reordered);
      store = reordered;
    }
    return store->values();
  } else {
    LOG(FATAL) << "only float blobs have blocked layouts";
    return nullptr;
  }
}

template <typename Dtype>
Dtype* WriteIn(const ChannelLayout& layout, Blob<Dtype>* blob, Part part) {
  SyncedMemory* memory = MemoryOf(*blob, part);
  if (layout.plain()) return static_cast<Dtype*>(memory->overwrite_cpu_data());
  if constexpr (std::is_same<Dtype, float>::value) {
    auto store = StoreOf(*blob, part);
    if (!store || store->layout() != layout) store = boost::make_shared<BlockedStore>(layout);
    memory->set_layout(store);
    return store->values();
  } else {
    LOG(FATAL) << "only float blobs have blocked layouts";
    return nullptr;
  }
}

#define INSTANTIATE_LAYOUT(Dtype)                                                      \
  template ChannelLayout PlainLayout<Dtype>(const Blob<Dtype>&);                       \
  template ChannelLayout LayoutOf<Dtype>(const Blob<Dtype>&, Part);                    \
  template const Dtype* ReadIn<Dtype>(const ChannelLayout&, const Blob<Dtype>&, Part); \
  template Dtype* WriteIn<Dtype>(const ChannelLayout&, Blob<Dtype>*, Part)
INSTANTIATE_LAYOUT(float);
INSTANTIATE_LAYOUT(double);

}  // namespace caffe
