#ifndef CAFFE_SRC_UTIL_CHANNEL_LAYOUT_HPP_
#define CAFFE_SRC_UTIL_CHANNEL_LAYOUT_HPP_

/// Image blobs whose values lie in blocks of channels, and how layers read and write them.
///
/// Convolutions are fastest on blocked memory. A layer that can work on any block size asks for its
/// bottom's layout, reads it and writes its top in it, so that nothing is reordered on the way from
/// convolution to convolution. Layers that know nothing of this call cpu_data() and get plain
/// order.

#include <cstddef>

#include "caffe/blob.hpp"

namespace caffe {

/// Order of the values of a num x channels x height x width blob in memory:
/// [num][blocks()][height][width][block]. Block 1 is the plain order, block = channels is
/// channels-last. Where channels is no multiple of block, the last block is filled up with zeros.
struct ChannelLayout {
  int num = 1;
  int channels = 1;
  int height = 1;
  int width = 1;
  int block = 1;

  bool plain() const { return block == 1; }
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

  /// The same order for another number of channels or another plane.
  ChannelLayout WithPlane(int new_height, int new_width) const {
    return {num, channels, new_height, new_width, block};
  }
  ChannelLayout Plain() const { return {num, channels, height, width, 1}; }

  bool operator==(const ChannelLayout& other) const {
    return num == other.num && channels == other.channels && height == other.height &&
           width == other.width && block == other.block;
  }
  bool operator!=(const ChannelLayout& other) const { return !(*this == other); }
};

/// Copies values from one order into another of the same blob.
void Reorder(const ChannelLayout& from, const float* source, const ChannelLayout& to,
             float* target);

/// Contents of a float blob in blocked order.
class BlockedStore : public LayoutStore {
 public:
  /// Takes memory; its contents are undefined.
  explicit BlockedStore(const ChannelLayout& layout);
  ~BlockedStore() override;
  void ToPlain(void* plain) const override;

  const ChannelLayout& layout() const { return layout_; }
  float* values() const { return values_; }

 private:
  ChannelLayout layout_;
  float* values_ = nullptr;
  bool pinned_ = false;

  DISABLE_COPY_AND_ASSIGN(BlockedStore);
};

/// Which half of a blob.
enum class Part { kData, kDiff };

/// The plain layout of a blob: N x C x H x W, or any other shape seen as one.
template <typename Dtype>
ChannelLayout PlainLayout(const Blob<Dtype>& blob);

/// The order in which the blob's newest values can be read without reordering.
template <typename Dtype>
ChannelLayout LayoutOf(const Blob<Dtype>& blob, Part part = Part::kData);

/// The blob's values in the order asked for, reordered first if they are not in it. Doubles are
/// always plain.
template <typename Dtype>
const Dtype* ReadIn(const ChannelLayout& layout, const Blob<Dtype>& blob, Part part = Part::kData);

/// Memory for new values of the whole blob in the order asked for. What was in it is lost, except
/// that a blob already in that order keeps its memory (so that layers can work in place).
template <typename Dtype>
Dtype* WriteIn(const ChannelLayout& layout, Blob<Dtype>* blob, Part part = Part::kData);

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_CHANNEL_LAYOUT_HPP_
