#include "dnn/winograd_transforms.hpp"

#include <array>
#include <map>
#include <mutex>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <boost/make_shared.hpp>
#include <boost/weak_ptr.hpp>

#include "core/fork.hpp"
#include "dnn/engine.hpp"
#include "util/parallel_tasks.hpp"
#include "util/simd.hpp"

namespace caffe {
namespace dnn {

namespace {

const int kTaps = 3;

// Which of the work is a thread's.
struct Piece {
  std::ptrdiff_t begin, end;
};

int Existing(const TileGrid& grid, TileRange range) {
  return std::min(range.count, grid.count() - range.first);
}

// ---- the kernels, for a part of the work of a call ----

// Of images of T and values at the points of AtPoint.
template <typename T, typename AtPoint>
struct ImageKernels {
  using ToPoints = void (*)(const TileGrid&, int first_tile, const int (&before)[2],
                            const ChannelLayout&, int first_channel, const T*, const PointMatrices&,
                            AtPoint* points, Piece);
  ToPoints inputs_to_points, outputs_to_points;
  void (*points_to_outputs)(const TileGrid&, TileRange, const float* points, const OutputFunction&,
                            const ChannelLayout&, ChannelRange, T*, Piece);
};

// For tiles of one kind.
template <typename Value>
struct TileKernels {
  using AtPoint = Value;

  ImageKernels<float, AtPoint> floats;
  ImageKernels<BFloat16, AtPoint> bfloats;
  void (*taps_to_points)(const float* weights, const Taps&, int first_column, const PointMatrices&,
                         AtPoint* points, Piece);
  void (*add_points_to_taps)(const float* points, const PointMatrices&, const Taps&,
                             int first_column, float* weights, Piece);
  void (*transposed_products)(const PointMatrices&, const AtPoint* left, const PointMatrices&,
                              const AtPoint* right, bool add, float* result, Piece);

  const ImageKernels<float, AtPoint>& ForImages(float) const { return floats; }
  const ImageKernels<BFloat16, AtPoint>& ForImages(BFloat16) const { return bfloats; }
};

struct Kernels {
  /// Channels that are handled at once.
  int width;
  TileKernels<BFloat16> tiny;
  TileKernels<float> small, large;
  TileKernels<BFloat16> small_rounded;
};

#define CAFFE_KERNEL_INLINE inline __attribute__((always_inline))
#define CAFFE_KERNEL_UNROLL _Pragma("GCC unroll 8")

namespace any_processor {
const int kWidth = 4;
#include "dnn/winograd_kernels.inc"
}  // namespace any_processor

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define HAS_WIDER_KERNELS
namespace v3 {
const int kWidth = 8;
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#include "dnn/winograd_kernels.inc"
#pragma GCC pop_options
}  // namespace v3

namespace v4 {
const int kWidth = 16;
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#include "dnn/winograd_kernels.inc"
#pragma GCC pop_options
}  // namespace v4

#if __GNUC__ >= 12
#define HAS_BFLOAT16_KERNELS
namespace v4_bfloat16 {
const int kWidth = 16;
#define CAFFE_KERNELS_OF_BFLOAT16
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16,prefer-vector-width=512")
#include "dnn/winograd_kernels.inc"
#pragma GCC pop_options
#undef CAFFE_KERNELS_OF_BFLOAT16
}  // namespace v4_bfloat16
#endif
#endif

// ONEDNN_MAX_CPU_ISA in the environment restricts these kernels as it does oneDNN's.
const Kernels& ForThisProcessor() {
#ifdef HAS_WIDER_KERNELS
  static const bool has_v4 = Has(dnnl::cpu_isa::avx512_core) && __builtin_cpu_supports("x86-64-v4");
  static const bool has_v3 = Has(dnnl::cpu_isa::avx2) && __builtin_cpu_supports("x86-64-v3");
#ifdef HAS_BFLOAT16_KERNELS
  static const bool has_bfloat16 =
      has_v4 && Has(dnnl::cpu_isa::avx512_core_bf16) && __builtin_cpu_supports("avx512bf16");
  if (has_bfloat16) return v4_bfloat16::kKernels;
#endif
  if (has_v4) return v4::kKernels;
  if (has_v3) return v3::kKernels;
#endif
  return any_processor::kKernels;
}

// Less of a tile's channels, or of blocks of taps, is too little for more than one thread.
const int kTileGrain = 64, kBlockGrain = 4;

// Calls body(piece) for pieces of `count` on several threads, more pieces than threads: no thread
// is always as fast as the others.
template <typename Body>
void InPieces(std::ptrdiff_t count, int grain, const Body& body) {
  const int kPiecesOfThread = 8;
  const int threads = NumThreads();
  const std::ptrdiff_t pieces = std::min<std::ptrdiff_t>(threads * kPiecesOfThread, count / grain);
  if (threads == 1 || pieces <= 1) return body(Piece{0, count});
  ParallelTasks(static_cast<int>(pieces), threads, [&](int piece, int) {
    body(Piece{count * piece / pieces, count * (piece + 1) / pieces});
  });
}

// Calls body(kernels) with those for tiles of a kind.
template <typename Body>
void WithKernels(TileKind kind, const Body& body) {
  const Kernels& all = ForThisProcessor();
  switch (kind) {
    case TileKind::kTiny:
      return body(all.tiny);
    case TileKind::kSmall:
      return body(all.small);
    case TileKind::kLarge:
      return body(all.large);
    case TileKind::kSmallRounded:
      return body(all.small_rounded);
  }
}

// Values at the points as the kernels take them.
template <typename AtPoint>
AtPoint* PointsFor(const TileKernels<AtPoint>&, void* points) {
  return static_cast<AtPoint*>(points);
}
template <typename AtPoint>
const AtPoint* PointsFor(const TileKernels<AtPoint>&, const void* points) {
  return static_cast<const AtPoint*>(points);
}

// What is handled at once: some rows and columns; a square of taps.
std::ptrdiff_t PiecesOfTiles(const PointMatrices& order) {
  return std::ptrdiff_t(order.rows / order.pair) *
         (order.columns / order.ColumnsAtOnce(WinogradChannels()));
}
std::ptrdiff_t PiecesOfTaps(const PointMatrices& order) {
  return std::ptrdiff_t(order.rows / WinogradChannels()) * (order.columns / WinogradChannels());
}

// By the kernel that choose(kernels for images) gives.
template <typename Choose>
void ToPoints(const TileGrid& grid, int first_tile, const int (&before)[2],
              const ChannelLayout& layout, int first_channel, const void* values,
              const PointMatrices& order, void* points, const Choose& choose) {
  WithKernels(grid.kind, [&](const auto& kernels) {
    auto* const at_points = PointsFor(kernels, points);
    VisitElements<float>(layout, [&](auto type) {
      const auto kernel = choose(kernels.ForImages(type));
      InPieces(PiecesOfTiles(order), kTileGrain, [&](Piece piece) {
        kernel(grid, first_tile, before, layout, first_channel,
               static_cast<const decltype(type)*>(values), order, at_points, piece);
      });
    });
  });
}

}  // namespace

TileGrid::TileGrid(TileKind of_kind, int num, int height, int width, const int (&dilation)[2],
                   const int (&pad)[2])
    : kind(of_kind), dilation{dilation[0], dilation[1]}, pad{pad[0], pad[1]} {
  const int side = SideOf(kind);
  for (int item = 0; item < num; ++item) {
    for (int y0 = 0; y0 < std::min(dilation[0], height); ++y0) {
      for (int y = y0; y < height; y += side * dilation[0]) {
        for (int x0 = 0; x0 < std::min(dilation[1], width); ++x0) {
          for (int x = x0; x < width; x += side * dilation[1]) {
            tiles.push_back({item, y, x});
          }
        }
      }
    }
  }
}

shared_ptr<const TileGrid> TileGrid::Shared(TileKind kind, int num, int height, int width,
                                            const int (&dilation)[2], const int (&pad)[2]) {
  static std::mutex* const mutex = NewMutexHeldWhileForking(MutexLevel::kOuter);
  static auto* grids = new std::map<std::array<int, 8>, boost::weak_ptr<const TileGrid>>();
  const std::lock_guard<std::mutex> lock(*mutex);
  auto& kept = (*grids)[{int(kind), num, height, width, dilation[0], dilation[1], pad[0], pad[1]}];
  shared_ptr<const TileGrid> grid = kept.lock();
  if (!grid) kept = grid = boost::make_shared<TileGrid>(kind, num, height, width, dilation, pad);
  return grid;
}

int WinogradChannels() { return ForThisProcessor().width; }

void InputsToPoints(const TileGrid& grid, int first_tile, const ChannelLayout& layout,
                    int first_channel, const void* inputs, const PointMatrices& order,
                    void* points) {
  ToPoints(grid, first_tile, grid.pad, layout, first_channel, inputs, order, points,
           [](const auto& kernels) { return kernels.inputs_to_points; });
}

void OutputsToPoints(const TileGrid& grid, int first_tile, const ChannelLayout& layout,
                     int first_channel, const void* outputs, const PointMatrices& order,
                     void* points) {
  ToPoints(grid, first_tile, {0, 0}, layout, first_channel, outputs, order, points,
           [](const auto& kernels) { return kernels.outputs_to_points; });
}

void PointsToOutputs(const TileGrid& grid, TileRange tiles, const float* points,
                     const OutputFunction& function, const ChannelLayout& layout,
                     ChannelRange channels, void* outputs) {
  const std::ptrdiff_t pieces =
      std::ptrdiff_t(Existing(grid, tiles)) * (channels.count / WinogradChannels());
  WithKernels(grid.kind, [&](const auto& kernels) {
    VisitElements<float>(layout, [&](auto type) {
      InPieces(pieces, kTileGrain, [&](Piece piece) {
        kernels.ForImages(type).points_to_outputs(grid, tiles, points, function, layout, channels,
                                                  static_cast<decltype(type)*>(outputs), piece);
      });
    });
  });
}

void TapsToPoints(const float* weights, const Taps& taps, int first_column,
                  const PointMatrices& order, void* points) {
  WithKernels(order.kind, [&](const auto& kernels) {
    auto* const at_points = PointsFor(kernels, points);
    InPieces(PiecesOfTaps(order), kBlockGrain, [&](Piece piece) {
      kernels.taps_to_points(weights, taps, first_column, order, at_points, piece);
    });
  });
}

void TransposedProducts(const PointMatrices& left, const void* left_points,
                        const PointMatrices& right, const void* right_points, bool add,
                        float* result) {
  const int blocks = left.columns / left.block * (right.columns / right.block);
  WithKernels(left.kind, [&](const auto& kernels) {
    const auto* const lefts = PointsFor(kernels, left_points);
    const auto* const rights = PointsFor(kernels, right_points);
    InPieces(std::ptrdiff_t(PointsOf(left.kind)) * blocks, 1, [&](Piece piece) {
      kernels.transposed_products(left, lefts, right, rights, add, result, piece);
    });
  });
}

void AddPointsToTaps(const float* points, const PointMatrices& order, const Taps& taps,
                     int first_column, float* weights) {
  WithKernels(order.kind, [&](const auto& kernels) {
    InPieces(PiecesOfTaps(order), kBlockGrain, [&](Piece piece) {
      kernels.add_points_to_taps(points, order, taps, first_column, weights, piece);
    });
  });
}

}  // namespace dnn
}  // namespace caffe
