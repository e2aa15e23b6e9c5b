#include "core/reorder.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "caffe/util/layout_count.hpp"
#include "caffe/util/parallel_for.hpp"
#include "util/simd.hpp"

namespace caffe {

namespace {

std::atomic<int64_t> reorders{0};

// Positions of an image plane handled together when blocks are taken apart or put together, so that
// both sides stay in the cache.
const int kTile = 64;

// Copies `count` pixels of one plane of interleaved channels from separate planes of floats that
// lie `stride` apart; the filling becomes 0. Loops over kLanes elements, whose number the compiler
// knows, become vector code, which takes 60 % of the time.
template <typename T>
CAFFE_SIMD_CLONES void ToBlocked(T* blocked, const float* plain, int channels, int block,
                                 std::ptrdiff_t stride, int count) {
  int c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    const float* planes = plain + c * stride;
    for (int i = 0; i < count; ++i) {
      T* pixel = blocked + i * block + c;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) pixel[lane] = planes[lane * stride + i];
    }
  }
  for (; c < channels; ++c) {
    const float* plane = plain + c * stride;
    for (int i = 0; i < count; ++i) blocked[i * block + c] = plane[i];
  }
  for (; c < block; ++c) {
    for (int i = 0; i < count; ++i) blocked[i * block + c] = 0.f;
  }
}

// The other way.
template <typename T>
CAFFE_SIMD_CLONES void FromBlocked(const T* blocked, float* plain, int channels, int block,
                                   std::ptrdiff_t stride, int count) {
  const int whole = count - count % kLanes;
  int c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    float* planes = plain + c * stride;
    for (int first = 0; first < whole; first += kLanes) {
      const T* pixels = blocked + first * block + c;
      for (int lane = 0; lane < kLanes; ++lane) {
        float row[kLanes];
        for (int i = 0; i < kLanes; ++i) row[i] = float(pixels[i * block + lane]);
        std::copy(row, row + kLanes, planes + lane * stride + first);
      }
    }
    for (int i = whole; i < count; ++i) {
      for (int lane = 0; lane < kLanes; ++lane) {
        planes[lane * stride + i] = float(blocked[i * block + c + lane]);
      }
    }
  }
  for (; c < channels; ++c) {
    float* plane = plain + c * stride;
    for (int i = 0; i < count; ++i) plane[i] = float(blocked[i * block + c]);
  }
}

// Calls piece(offset in the blocked order, offset in the plain one, channels, pixels) for pieces of
// the planes of a blocked layout, on several threads.
template <typename Piece>
void EachPiece(const ChannelLayout& layout, const Piece& run) {
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
      run(plane * layout.plane_size() + first * layout.block, channel * area + first,
          layout.channels_of_plane(plane), std::min(kTile, area - first));
    }
  });
}

template <typename From, typename To>
CAFFE_SIMD_CLONES void ConvertKernel(std::ptrdiff_t n, const From* from, To* to) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = float(from[i]);
}

// Changes the type of elements in one order.
template <typename From, typename To>
void Convert(std::ptrdiff_t n, const void* source, void* target) {
  const From* from = static_cast<const From*>(source);
  To* to = static_cast<To*>(target);
  ParallelFor(n, kElementwiseGrain, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
    ConvertKernel(end - begin, from + begin, to + begin);
  });
}

// Whether channels can be moved between two orders kLanes at a time.
bool InLanes(const ChannelLayout& from, const ChannelLayout& to) {
  return from.element == to.element && from.channels % kLanes == 0 && from.block % kLanes == 0 &&
         to.block % kLanes == 0;
}

template <typename T>
void MoveLanes(const ChannelLayout& from, const T* source, const ChannelLayout& to, T* target) {
  const int groups = from.channels / kLanes;
  // Of the first pixel's channels c, c + 1, ... of image n.
  const auto begin_of = [](const ChannelLayout& layout, std::ptrdiff_t n, int c) {
    return (n * layout.blocks() + c / layout.block) * layout.plane_size() + c % layout.block;
  };
  ParallelFor(std::ptrdiff_t(from.num) * groups, 1 + kElementwiseGrain / kLanes / from.area(),
              [=, &from, &to](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (std::ptrdiff_t i = begin; i < end; ++i) {
                  const int c = static_cast<int>(i % groups) * kLanes;
                  const T* in = source + begin_of(from, i / groups, c);
                  T* out = target + begin_of(to, i / groups, c);
                  for (int pixel = from.area(); pixel > 0; --pixel) {
                    std::memcpy(out, in, kLanes * sizeof(T));
                    in += from.block;
                    out += to.block;
                  }
                }
              });
}

}  // namespace

int64_t LayoutReorders() { return reorders; }

void Reorder(const ChannelLayout& from, const void* source, const ChannelLayout& to, void* target) {
  ++reorders;
  CHECK(from.Plain() == to.Plain()) << "only blobs of one shape can be reordered into each other";
  if (from == to) {
    std::memcpy(target, source, from.bytes());
  } else if (from.block == to.block) {
    if (to.element == Element::kBFloat16) {
      Convert<float, BFloat16>(from.size(), source, target);
    } else {
      Convert<BFloat16, float>(from.size(), source, target);
    }
  } else if (InLanes(from, to)) {
    VisitElements<float>(to, [&](auto type) {
      using T = decltype(type);
      MoveLanes(from, static_cast<const T*>(source), to, static_cast<T*>(target));
    });
  } else if (from.plain()) {
    VisitElements<float>(to, [&](auto type) {
      using T = decltype(type);
      EachPiece(to, [&](std::ptrdiff_t blocked, std::ptrdiff_t plain, int channels, int pixels) {
        ToBlocked(static_cast<T*>(target) + blocked, static_cast<const float*>(source) + plain,
                  channels, to.block, to.area(), pixels);
      });
    });
  } else if (to.plain()) {
    VisitElements<float>(from, [&](auto type) {
      using T = decltype(type);
      EachPiece(from, [&](std::ptrdiff_t blocked, std::ptrdiff_t plain, int channels, int pixels) {
        FromBlocked(static_cast<const T*>(source) + blocked, static_cast<float*>(target) + plain,
                    channels, from.block, from.area(), pixels);
      });
    });
  } else {
    BlockedStore plain(from.Plain());
    Reorder(from, source, from.Plain(), plain.Write());
    Reorder(from.Plain(), plain.Read(), to, target);
  }
}

void ReorderAt(Place place, const ChannelLayout& from, const void* source, const ChannelLayout& to,
               void* target) {
#ifndef CPU_ONLY
  if (place == Place::kGpu) {
    ++reorders;
    return ReorderOnGpu(from, source, to, target);
  }
#endif
  Reorder(from, source, to, target);
}

}  // namespace caffe
