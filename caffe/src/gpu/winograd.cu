#include <algorithm>
#include <limits>

#include "core/cublas.hpp"
#include "dnn/winograd_transforms.hpp"
#include "gpu/vectors.cuh"
#include "gpu/winograd.hpp"

namespace caffe {

// ---- transforms of one tile, as on the CPU ----

namespace dnn {
namespace {

using Vector = float;
const int kTaps = 3;

#define CAFFE_KERNEL_INLINE CAFFE_HOST_DEVICE inline
#ifdef __CUDACC__
#define CAFFE_KERNEL_UNROLL _Pragma("unroll")
#else
#define CAFFE_KERNEL_UNROLL _Pragma("GCC unroll 8")
#endif
#include "dnn/winograd_axes.inc"
#undef CAFFE_KERNEL_INLINE
#undef CAFFE_KERNEL_UNROLL

}  // namespace
}  // namespace dnn

namespace {

const dnn::TileKind kKind = dnn::TileKind::kSmall;
const int kSide = dnn::SideOf(kKind), kInputs = dnn::InputsOf(kKind);
const int kPoints = dnn::PointsOf(kKind), kTaps = dnn::kTaps;
// Matrices have a multiple of so many columns, which cuBLAS multiplies fastest.
const int kColumns = 32;
// A product over tiles is cut into pieces of no fewer columns, as long as fewer than kMostBlocks
// blocks of results, of kBlock x kBlock, are computed side by side: large GPUs have 132 to 148
// places for some of them, and sums over pieces round less than one over all. None of it depends on
// the GPU, so that sums do not either.
const int kColumnsOfPiece = 512, kMostBlocks = 1056, kBlock = 64;

using ToInputPoints = dnn::InputTransform<kKind>;
using ToOutputs = dnn::OutputTransform<kKind>;
using ToOutputPoints = dnn::OutputTransposed<kKind>;
using ToTapPoints = dnn::TapTransform<kKind>;
using ToTaps = dnn::TapTransposed<kKind>;

// Of so many each; the last one may be smaller.
int PartsOf(int whole, int each) { return (whole - 1) / each + 1; }

// Each has pixels that are `dilation` apart.
int TilesAlong(int pixels, int dilation) {
  return dilation * PartsOf(PartsOf(pixels, dilation), kSide);
}

// A tile's first output pixel.
struct Corner {
  int item, y, x;
};

// Of the k-th tile along an axis: tiles of pixels that are a multiple of the dilation apart lie
// between each other.
CAFFE_HOST_DEVICE int FirstPixel(const OutputTiles& tiles, int axis, int k) {
  const int before = tiles.apart[axis].Quotient(k) * tiles.dilation[axis];
  return k - before + before * kSide;
}

// Tiles beside each other are neighbours in memory.
CAFFE_HOST_DEVICE Corner CornerOf(const OutputTiles& tiles, int tile) {
  const int row = tiles.across.Quotient(tile);
  return {tiles.down.Quotient(row), FirstPixel(tiles, 0, tiles.down.Remainder(row)),
          FirstPixel(tiles, 1, tiles.across.Remainder(tile))};
}

// Some tiles of all channels, which matrices [piece][point][channel][column] are of.
class TileColumns {
 public:
  TileColumns(const OutputTiles& tiles, int first, int columns, int channels)
      : tiles(tiles),
        channels(channels),
        first_(first),
        columns_(columns),
        by_channels_(channels),
        by_columns_(columns) {}

  // Of a piece.
  CAFFE_HOST_DEVICE int elements() const { return channels * columns_; }

  // Of element i of all pieces; behind the last tile: false.
  CAFFE_HOST_DEVICE bool Locate(int i, int* piece, int* channel, Corner* corner) const {
    const int row = by_columns_.Quotient(i);
    *piece = by_channels_.Quotient(row);
    *channel = row - *piece * channels;
    const int tile = first_ + *piece * columns_ + by_columns_.Remainder(i);
    if (tile >= tiles.count) return false;
    *corner = CornerOf(tiles, tile);
    return true;
  }

  OutputTiles tiles;
  int channels;

 private:
  int first_, columns_;
  Divisor by_channels_, by_columns_;
};

// n x n pixels of a channel, as far as there are any. What tells so is found out once for each row
// and column: a load that is left out takes no branch then.
template <typename T, int n>
struct Patch {
  CAFFE_HOST_DEVICE Patch(T* plane, const int (&size)[2], const int (&steps)[2], int y, int x)
      : plane(plane), step(steps[1]) {
    CAFFE_UNROLL(6)
    for (int k = 0; k < n; ++k) {
      const int row = y + k * steps[0], column = x + k * steps[1];
      has_row[k] = row >= 0 && row < size[0];
      has_column[k] = column >= 0 && column < size[1];
      starts[k] = std::ptrdiff_t(row) * size[1] + x;
    }
  }

  CAFFE_HOST_DEVICE bool Has(int i, int j) const { return has_row[i] && has_column[j]; }
  CAFFE_HOST_DEVICE T* At(int i, int j) const { return plane + (starts[i] + j * step); }

  T* plane;
  int step;
  bool has_row[n], has_column[n];
  std::ptrdiff_t starts[n];
};

template <typename T>
CAFFE_HOST_DEVICE T* PlaneOf(T* values, const TileColumns& at, const Corner& corner, int channel,
                             const int (&size)[2]) {
  const std::ptrdiff_t plane = std::ptrdiff_t(corner.item) * at.channels + channel;
  return values + plane * size[0] * size[1];
}

// Element i of these: one channel of one tile.

// Transform: ToInputPoints of inputs, or ToOutputPoints of the diffs of outputs. Columns behind the
// last tile become zeros, which add nothing to a product over tiles.
template <typename Transform>
struct TileToPoints {
  TileColumns at;
  const float* values;
  float* points;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    constexpr bool of_inputs = Transform::kFrom == kInputs;
    int piece = 0, channel = 0;
    Corner corner = {0, 0, 0};
    const bool exists = at.Locate(i, &piece, &channel, &corner);
    const OutputTiles& tiles = at.tiles;
    const int(&size)[2] = of_inputs ? tiles.inputs : tiles.outputs;
    Patch<const float, Transform::kFrom> patch(
        PlaneOf(values, at, corner, channel, size), size, tiles.dilation,
        corner.y - (of_inputs ? tiles.pad[0] : 0), corner.x - (of_inputs ? tiles.pad[1] : 0));
    CAFFE_UNROLL(6)
    for (bool& has_row : patch.has_row) has_row = has_row && exists;
    float* const element = points + i + std::ptrdiff_t(piece) * (kPoints - 1) * at.elements();
    dnn::TransformTile<Transform>(
        [&](int row, int column, float* value) {
          *value = 0;
          if (patch.Has(row, column)) *value = *patch.At(row, column);
        },
        [&](int row, int column, float value) {
          element[std::ptrdiff_t(row * kInputs + column) * at.elements()] = value;
        });
  }
};

// Of one piece. In packs where all rows of all tiles are whole and aligned.
template <bool packs>
struct PointsToTile {
  TileColumns at;
  const float* points;
  float* outputs;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    int piece = 0, channel = 0;
    Corner corner = {0, 0, 0};
    if (!at.Locate(i, &piece, &channel, &corner)) return;
    const int(&size)[2] = at.tiles.outputs;
    const Patch<float, kSide> patch(PlaneOf(outputs, at, corner, channel, size), size,
                                    at.tiles.dilation, corner.y, corner.x);
    Pack<float, kSide> rows[kSide];
    dnn::TransformTile<ToOutputs>(
        [&](int row, int column, float* value) {
          *value = points[std::ptrdiff_t(row * kInputs + column) * at.elements() + i];
        },
        [&](int row, int column, float value) { rows[row][column] = value; });
    CAFFE_UNROLL(4)
    for (int row = 0; row < kSide; ++row) {
      if constexpr (packs) {
        if (patch.Has(row, 0)) StorePack(rows[row], patch.At(row, 0));
      } else {
        CAFFE_UNROLL(4)
        for (int column = 0; column < kSide; ++column) {
          if (patch.Has(row, column)) *patch.At(row, column) = rows[row][column];
        }
      }
    }
  }
};

// Weights are [features][channels of the image][3][3], matrices of taps [point][outs][ins]. Element
// i: the taps from one channel to another.

struct TapsToPoints {
  int ins, outs;
  bool turned;
  const float* weights;
  float* points;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int in = i % ins, out = i / ins;
    const float* const taps =
        weights + std::ptrdiff_t(turned ? in * outs + out : i) * (kTaps * kTaps);
    dnn::TransformTile<ToTapPoints>(
        [&](int row, int column, float* value) {
          const int tap = row * kTaps + column;
          *value = taps[turned ? kTaps * kTaps - 1 - tap : tap];
        },
        [&](int row, int column, float value) {
          points[(row * kInputs + column) * (std::ptrdiff_t(ins) * outs) + i] = value;
        });
  }
};

// Adds up the pieces.
struct PointsToTaps {
  std::ptrdiff_t elements;
  int pieces;
  const float* points;
  bool add;
  float* diff;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    float* const taps = diff + std::ptrdiff_t(i) * (kTaps * kTaps);
    dnn::TransformTile<ToTaps>(
        [&](int row, int column, float* value) {
          const float* const point = points + (row * kInputs + column) * elements + i;
          float sum = 0;
          for (int p = 0; p < pieces; ++p) sum += point[p * kPoints * elements];
          *value = sum;
        },
        [&](int row, int column, float value) {
          float* const tap = taps + row * kTaps + column;
          *tap = add ? *tap + value : value;
        });
  }
};

// cuBLAS stores matrices by columns: it sees each of ours transposed.

// At every point, result = left * right: rows x inner times inner x columns.
void Multiply(int rows, int columns, int inner, const float* left, const float* right,
              float* result) {
  const float one = 1, zero = 0;
  const std::ptrdiff_t of_left = rows, of_right = columns;
  CUBLAS_CHECK(cublas::sgemm_strided_batched(Caffe::cublas_handle(), CUBLAS_OP_N, CUBLAS_OP_N,
                                             columns, rows, inner, &one, right, columns,
                                             of_right * inner, left, inner, of_left * inner, &zero,
                                             result, columns, of_left * columns, kPoints));
}

// At every point of every piece the same with the transpose of the right, columns x inner; or
// result += that.
void MultiplyTransposed(int pieces, int rows, int columns, int inner, const float* left,
                        const float* right, bool add, float* result) {
  const float one = 1, beta = add;
  const std::ptrdiff_t of_left = rows, of_right = columns;
  CUBLAS_CHECK(cublas::sgemm_strided_batched(Caffe::cublas_handle(), CUBLAS_OP_T, CUBLAS_OP_N,
                                             columns, rows, inner, &one, right, inner,
                                             of_right * inner, left, inner, of_left * inner, &beta,
                                             result, columns, of_left * columns, pieces * kPoints));
}

}  // namespace

/// Matrices for all points, in temporary memory.
struct WinogradOnGpu::Points {
  float *taps, *ins, *outs;
};

bool WinogradOnGpu::Suits(const ConvolutionGeometry& g) {
  if (!g.Has3x3TapsAtEveryPixel()) return false;
  double pixels = g.num;
  for (int axis = 0; axis < 2; ++axis) {
    // There are as many tiles as the dilation asks for, however few pixels each has.
    if (g.dilation[axis] > std::min(g.image[axis], g.features[axis])) return false;
    pixels *= std::max(g.image[axis], g.features[axis]);
  }
  return pixels < std::numeric_limits<int>::max() / 32;
}

WinogradOnGpu::WinogradOnGpu(const ConvolutionGeometry& g, Product product, std::size_t memory)
    : turned_(product == Product::kToImage),
      ins_(turned_ ? g.feature_channels : g.image_channels),
      outs_(turned_ ? g.image_channels : g.feature_channels),
      pieces_(1) {
  for (int axis = 0; axis < 2; ++axis) {
    tiles_.outputs[axis] = turned_ ? g.image[axis] : g.features[axis];
    tiles_.inputs[axis] = turned_ ? g.features[axis] : g.image[axis];
    tiles_.dilation[axis] = g.dilation[axis];
    tiles_.apart[axis] = Divisor(g.dilation[axis]);
    tiles_.pad[axis] = turned_ ? 2 * g.dilation[axis] - g.pad[axis] : g.pad[axis];
  }
  const int down = TilesAlong(tiles_.outputs[0], g.dilation[0]);
  const int across = TilesAlong(tiles_.outputs[1], g.dilation[1]);
  tiles_.down = Divisor(down);
  tiles_.across = Divisor(across);
  tiles_.count = g.num * down * across;

  const std::size_t column = sizeof(float) * kPoints * (std::size_t(ins_) + outs_);
  const int most = static_cast<int>(std::min<std::size_t>(
      memory / column, std::numeric_limits<int>::max() / 2 / std::max(ins_, outs_)));
  const int turns = PartsOf(tiles_.count, std::max(kColumns, most));
  const int of_turn = PartsOf(tiles_.count, turns);
  if (product == Product::kToWeights) {
    const double blocks = double(kPoints) * PartsOf(ins_, kBlock) * PartsOf(outs_, kBlock);
    const int most_pieces = static_cast<int>(kMostBlocks / blocks);
    pieces_ = std::max(1, std::min(most_pieces, of_turn / kColumnsOfPiece));
  }
  columns_ = PartsOf(of_turn, pieces_ * kColumns) * kColumns;
}

std::size_t WinogradOnGpu::workspace() const {
  const std::size_t ins = ins_, outs = outs_;
  return sizeof(float) * kPoints * pieces_ * (ins * outs + (ins + outs) * columns_);
}

WinogradOnGpu::Points WinogradOnGpu::PointsIn(void* workspace) const {
  Points at;
  at.taps = static_cast<float*>(workspace);
  const std::ptrdiff_t matrices = kPoints * pieces_;
  at.ins = at.taps + matrices * ins_ * outs_;
  at.outs = at.ins + matrices * ins_ * columns_;
  return at;
}

void WinogradOnGpu::Convolve(const float* inputs, const float* weights, float* outputs,
                             void* workspace) const {
  const Points at = PointsIn(workspace);
  ForElements(std::ptrdiff_t(ins_) * outs_, TapsToPoints{ins_, outs_, turned_, weights, at.taps});
  const bool packs = tiles_.dilation[1] == 1 && tiles_.outputs[1] % kSide == 0 && Aligned(outputs);
  for (int first = 0; first < tiles_.count; first += columns_) {
    const TileColumns in(tiles_, first, columns_, ins_), out(tiles_, first, columns_, outs_);
    ForElements(in.elements(), TileToPoints<ToInputPoints>{in, inputs, at.ins});
    Multiply(outs_, columns_, ins_, at.taps, at.ins, at.outs);
    if (packs) {
      ForElements(out.elements(), PointsToTile<true>{out, at.outs, outputs});
    } else {
      ForElements(out.elements(), PointsToTile<false>{out, at.outs, outputs});
    }
  }
}

void WinogradOnGpu::ToWeights(const float* image, const float* features, bool add, float* diff,
                              void* workspace) const {
  const Points at = PointsIn(workspace);
  for (int first = 0; first < tiles_.count; first += pieces_ * columns_) {
    const TileColumns in(tiles_, first, columns_, ins_), out(tiles_, first, columns_, outs_);
    ForElements(pieces_ * in.elements(), TileToPoints<ToInputPoints>{in, image, at.ins});
    ForElements(pieces_ * out.elements(), TileToPoints<ToOutputPoints>{out, features, at.outs});
    MultiplyTransposed(pieces_, outs_, ins_, columns_, at.outs, at.ins, first > 0, at.taps);
  }
  const std::ptrdiff_t elements = std::ptrdiff_t(ins_) * outs_;
  ForElements(elements, PointsToTaps{elements, pieces_, at.taps, add, diff});
}

}  // namespace caffe
