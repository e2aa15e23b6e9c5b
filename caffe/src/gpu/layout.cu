#include "core/reorder.hpp"
#include "gpu/layout.hpp"
#include "gpu/vectors.cuh"

namespace caffe {

namespace {

// ---- other elements in one order ----

// Element i: the i-th `size` values.
template <typename From, typename To, int size>
struct ConvertPack {
  const From* from;
  To* to;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const std::ptrdiff_t first = std::ptrdiff_t(i) * size;
    StorePack(LoadPack<size>(from + first).template As<To>(), to + first);
  }
};

template <typename From, typename To>
void Convert(std::ptrdiff_t n, const void* source, void* target) {
  // 16 bytes of the smaller type.
  constexpr int kAtOnce = 8;
  const From* from = static_cast<const From*>(source);
  To* to = static_cast<To*>(target);
  if (n % kAtOnce == 0) {
    ForElements(n / kAtOnce, ConvertPack<From, To, kAtOnce>{from, to});
  } else {
    ForElements(n, ConvertPack<From, To, 1>{from, to});
  }
}

// ---- plain and channels-last ----

constexpr int kTile = 32;
constexpr int kTransposeThreads = 256;

// Matrices one behind the other, of rows x columns; a row takes `pitch` elements. Their transposes
// have columns x `filled` elements, of which those beyond the rows are zeros.
struct Matrices {
  int rows, columns, pitch;
  std::ptrdiff_t size;
  int filled, to_pitch;
  std::ptrdiff_t to_size;
};

// Threads of a block, a number that the compiler knows: only then are a thread's values read
// together.
__device__ int TransposeThreads() {
#ifdef __CUDACC__
  return kTransposeThreads;
#else
  return blockDim.x;  // the emulation has fewer
#endif
}

// A block of threads handles a tile, through shared memory: both sides are then read and written in
// pieces of kTile.
template <typename From, typename To>
__global__ void TransposeKernel(const Matrices m, int tiles_down, int tiles_across,
                                const From* from, To* to) {
  __shared__ float tile[kTile][kTile + 1];
  const int across = blockIdx.x % tiles_across * kTile;
  const int down = blockIdx.x / tiles_across % tiles_down * kTile;
  const std::ptrdiff_t matrix = blockIdx.x / tiles_across / tiles_down;
  const From* in = from + matrix * m.size;
  CAFFE_UNROLL(4)
  for (int first = 0; first < kTile * kTile; first += TransposeThreads()) {
    const int i = first + threadIdx.x;
    const int x = i % kTile, y = i / kTile;
    const int row = down + y, column = across + x;
    const bool inside = row < m.rows && column < m.columns;
    tile[y][x] = inside ? float(in[std::ptrdiff_t(row) * m.pitch + column]) : 0.f;
  }
  __syncthreads();
  To* out = to + matrix * m.to_size;
  CAFFE_UNROLL(4)
  for (int first = 0; first < kTile * kTile; first += TransposeThreads()) {
    const int i = first + threadIdx.x;
    const int x = i % kTile, y = i / kTile;
    const int column = across + y, row = down + x;
    if (column < m.columns && row < m.filled) {
      out[std::ptrdiff_t(column) * m.to_pitch + row] = tile[x][y];
    }
  }
}

template <typename From, typename To>
void Transpose(int count, const Matrices& m, const void* from, void* to) {
  const int down = (m.filled + kTile - 1) / kTile, across = (m.columns + kTile - 1) / kTile;
  Launch(TransposeKernel<From, To>, std::ptrdiff_t(count) * down * across, kTransposeThreads, m,
         down, across, static_cast<const From*>(from), static_cast<To*>(to));
}

void CheckChannelsLast(const ChannelLayout& layout) {
  CHECK(layout.plain() || layout.blocks() == 1)
      << "on the GPU, channels are not kept in blocks of " << layout.block;
}

}  // namespace

void ReorderOnGpu(const ChannelLayout& from, const void* source, const ChannelLayout& to,
                  void* target) {
  CHECK(from.Plain() == to.Plain()) << "only blobs of one shape can be reordered into each other";
  CheckChannelsLast(from);
  CheckChannelsLast(to);
  if (from.size() == 0) return;
  const int area = from.area(), channels = from.channels;
  if (from == to) {
    CUDA_CHECK(
        cudaMemcpyAsync(target, source, from.bytes(), cudaMemcpyDeviceToDevice, ThreadStream()));
  } else if (from.plain()) {
    const Matrices m = {channels, area,     area,           std::ptrdiff_t(channels) * area,
                        to.block, to.block, to.plane_size()};
    VisitOnGpu<float>(
        to, [&](auto type) { Transpose<float, decltype(type)>(from.num, m, source, target); });
  } else if (to.plain()) {
    const Matrices m = {
        area, channels, from.block, from.plane_size(), area, area, std::ptrdiff_t(channels) * area};
    VisitOnGpu<float>(
        from, [&](auto type) { Transpose<decltype(type), float>(from.num, m, source, target); });
  } else {
    VisitOnGpu<float>(from, [&](auto type) {
      using From = decltype(type);
      VisitOnGpu<float>(
          to, [&](auto other) { Convert<From, decltype(other)>(from.size(), source, target); });
    });
  }
}

}  // namespace caffe
