#ifndef CAFFE_SRC_CORE_CHANNEL_LAYOUT_HPP_
#define CAFFE_SRC_CORE_CHANNEL_LAYOUT_HPP_

/// Image blobs whose values lie in blocks of channels, and how layers read and write them.
///
/// Convolutions are fastest on blocked memory. A layer that can work on any block size asks for its
/// bottom's layout, reads it and writes its top in it, so that nothing is reordered on the way from
/// convolution to convolution. Layers that know nothing of this call cpu_data() and get plain
/// order.

#include <cstddef>
#include <type_traits>

#include "caffe/blob.hpp"
#include "util/bfloat16.hpp"
#include "util/float16.hpp"

namespace caffe {

/// How one value of a float blob lies in memory. (Those of a double blob are always doubles.)
enum class Element { kFloat, kBFloat16, kFloat16 };

constexpr std::size_t BytesOf(Element element) { return element == Element::kFloat ? 4 : 2; }

/// Where memory is. A blob's values can be in an order of their own on one of the two.
enum class Place { kHost, kGpu };

/// Order of the values of a num x channels x height x width blob in memory:
/// [num][blocks()][height][width][block]. Block 1 is the plain order, block = channels is
/// channels-last. Where channels is no multiple of block, the last block is filled up with zeros.
struct ChannelLayout {
  int num = 1;
  int channels = 1;
  int height = 1;
  int width = 1;
  int block = 1;
  Element element = Element::kFloat;

  bool plain() const { return block == 1 && element == Element::kFloat; }
  /// Blocks of channels in an image.
  int blocks() const { return (channels + block - 1) / block; }
  /// Pixels of a channel.
  int area() const { return height * width; }
  /// Height x width planes of `block` interleaved channels.
  std::ptrdiff_t planes() const { return std::ptrdiff_t(num) * blocks(); }
  std::ptrdiff_t plane_size() const { return std::ptrdiff_t(area()) * block; }
  /// Elements in memory, the filling included.
  std::ptrdiff_t size() const { return planes() * plane_size(); }
  /// Channels of plane p that are not filling.
  int channels_of_plane(std::ptrdiff_t p) const {
    return std::min(block, channels - static_cast<int>(p % blocks()) * block);
  }
  /// First channel of plane p.
  int first_channel(std::ptrdiff_t p) const { return static_cast<int>(p % blocks()) * block; }

  std::size_t bytes() const { return size() * BytesOf(element); }

  /// The same order for another plane.
  ChannelLayout WithPlane(int new_height, int new_width) const {
    return {num, channels, new_height, new_width, block, element};
  }
  /// The same order of other elements.
  ChannelLayout WithElement(Element other) const {
    return {num, channels, height, width, block, other};
  }
  ChannelLayout Plain() const { return {num, channels, height, width, 1}; }

  bool operator==(const ChannelLayout& other) const {
    return num == other.num && channels == other.channels && height == other.height &&
           width == other.width && block == other.block && element == other.element;
  }
  bool operator!=(const ChannelLayout& other) const { return !(*this == other); }
};

/// The Element that a type is.
template <typename T>
constexpr Element ElementOf() {
  if (std::is_same<T, Float16>::value) return Element::kFloat16;
  return std::is_same<T, BFloat16>::value ? Element::kBFloat16 : Element::kFloat;
}

/// Copies values from one order into another of the same blob. Values that become bfloat16 are
/// rounded. (On the GPU: ReorderOnGpu.)
void Reorder(const ChannelLayout& from, const void* source, const ChannelLayout& to, void* target);

/// Contents of a float blob in some order.
class BlockedStore : public LayoutStore {
 public:
  /// Takes memory; its contents are undefined.
  explicit BlockedStore(const ChannelLayout& layout, Place place = Place::kHost);
  ~BlockedStore() override;
  void ToPlain(void* plain) const override;
  int device() const override;

  const ChannelLayout& layout() const { return layout_; }
  Place place() const { return place_; }
  /// The values, for this thread to read or write. Throw Error where they are not on its GPU.
  const void* Read() const;
  void* Write();

  /// A copy with rounded values, for readers of those, which lasts until new values are written.
  const shared_ptr<BlockedStore>& rounded() const { return rounded_; }
  void set_rounded(const shared_ptr<BlockedStore>& copy) { rounded_ = copy; }

 private:
  ChannelLayout layout_;
  Place place_;
  void* values_ = nullptr;
  bool pinned_ = false;
#ifndef CPU_ONLY
  mutable DeviceUser user_;
#endif
  shared_ptr<BlockedStore> rounded_;

  DISABLE_COPY_AND_ASSIGN(BlockedStore);
};

/// Which half of a blob.
enum class Part { kData, kDiff };

/// The plain layout of a blob: N x C x H x W, or any other shape seen as one.
template <typename Dtype>
ChannelLayout PlainLayout(const Blob<Dtype>& blob);

/// The order in which the blob's newest values are kept; plain where that is another place's.
template <typename Dtype>
ChannelLayout StoredLayout(const Blob<Dtype>& blob, Part part = Part::kData,
                           Place place = Place::kHost);

/// The same, but plain where blocks are filled up: for layers that do one thing to every value, in
/// whichever order, and need not keep the filling's zeros.
template <typename Dtype>
ChannelLayout UnfilledLayout(const Blob<Dtype>& blob, Part part, Place place) {
  const ChannelLayout layout = StoredLayout(blob, part, place);
  return layout.size() == blob.count() ? layout : layout.Plain();
}

/// StoredLayout with elements of type Dtype, for readers that know no other.
template <typename Dtype>
ChannelLayout LayoutOf(const Blob<Dtype>& blob, Part part = Part::kData) {
  return StoredLayout(blob, part).WithElement(Element::kFloat);
}

/// The blob's values in the order asked for, reordered first if they are not in it. Doubles are
/// always plain.
template <typename Dtype>
const void* ReadBytes(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part,
                      Place place = Place::kHost);

/// Memory for new values of the whole blob in the order asked for. What was in it is lost, except
/// that a blob already in that order keeps its memory (so that layers can work in place).
template <typename Dtype>
void* WriteBytes(const ChannelLayout& layout, Blob<Dtype>* blob, Part part,
                 Place place = Place::kHost);

/// The same as elements of type T, which the layout's must be: BFloat16, or float or double.
template <typename T, typename Dtype>
const T* ReadAs(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part = Part::kData) {
  DCHECK(layout.element == ElementOf<T>());
  return static_cast<const T*>(ReadBytes(layout, blob, part));
}
template <typename T, typename Dtype>
T* WriteAs(const ChannelLayout& layout, Blob<Dtype>* blob, Part part = Part::kData) {
  DCHECK(layout.element == ElementOf<T>());
  return static_cast<T*>(WriteBytes(layout, blob, part));
}
/// The same as elements of type Dtype.
template <typename Dtype>
const Dtype* ReadIn(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part = Part::kData) {
  return ReadAs<Dtype>(layout, blob, part);
}
template <typename Dtype>
Dtype* WriteIn(const ChannelLayout& layout, Blob<Dtype>* blob, Part part = Part::kData) {
  return WriteAs<Dtype>(layout, blob, part);
}

/// Calls body with a value of the type of a layout's elements, for code that is written once for
/// all:
///   VisitElements<Dtype>(layout, [&](auto type) { using T = decltype(type); ... });
/// On the host there are no Float16; for the GPU, see VisitOnGpu.
template <typename Dtype, typename Body>
void VisitElements(const ChannelLayout& layout, const Body& body) {
  if constexpr (std::is_same<Dtype, float>::value) {
    if (layout.element == Element::kBFloat16) return body(BFloat16());
  }
  DCHECK(layout.element == Element::kFloat);
  body(Dtype());
}

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_CHANNEL_LAYOUT_HPP_
