#ifndef CAFFE_SRC_DNN_WINOGRAD_TRANSFORMS_HPP_
#define CAFFE_SRC_DNN_WINOGRAD_TRANSFORMS_HPP_

/// Winograd's way to convolve with 3x3 taps, for 2x2, 4x4 or 6x6 outputs at a time: F(2x2, 3x3),
/// F(4x4, 3x3) and F(6x6, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural
/// Networks" (2015).
///
/// A tile of 4x4 outputs depends on 6x6 inputs. Both, and the taps, are polynomials of two
/// variables; their values at 6x6 points (0, 1, -1, 2, -2 and infinity each way) tell everything
/// about them, and at a point a convolution is one multiplication: 36 a tile instead of 144. Summed
/// over the channels they are 36 products of matrices, tiles x channels by channels x channels,
/// which a library does at its full speed; here is the way to the points and back. A tile of 6x6
/// outputs takes 64 multiplications instead of 324, but rounding errors are larger. One of 2x2
/// takes 16 instead of 36; but values at its points are sums of so few numbers that they may be
/// rounded to bfloat16, which some processors multiply twice as fast: the error is that of rounding
/// inputs and taps themselves, 4e-3 of a feature's standard deviation. With tiles of 4x4 it
/// is 1.1e-2 at the points 0, 2/3, -2/3, 3/2, -3/2 and infinity (2.5e-2 at those above).
///
/// All three products of a convolution have it:
///   features = out(in(image) * taps(weights)),
///   image    = out(in(features) * taps(weights, turned by 180 degrees and transposed)),
///   weights  = taps'(in(image)' * out'(features)),
/// with in = B', out = A', taps = G of the paper, each on both axes, and ' for the transpose.
/// Dilated taps see the image as dilation x dilation images, each of every dilation-th pixel.

#include <vector>

#include "core/channel_layout.hpp"

namespace caffe {
namespace dnn {

/// Kinds of tiles: of 2x2, 4x4 or 6x6 outputs, their side. Inputs, diffs of outputs, and taps at
/// their points are floats or, if they are rounded, bfloat16 numbers; products of them are floats.
enum class TileKind { kTiny, kSmall, kLarge, kSmallRounded };

constexpr bool AreRounded(TileKind kind) {
  return kind == TileKind::kTiny || kind == TileKind::kSmallRounded;
}
constexpr int BytesAtPoint(TileKind kind) { return AreRounded(kind) ? 2 : 4; }

/// Outputs of a tile along an axis; of the inputs there are more.
constexpr int SideOf(TileKind kind) {
  return kind == TileKind::kTiny ? 2 : kind == TileKind::kLarge ? 6 : 4;
}
constexpr int InputsOf(TileKind kind) { return SideOf(kind) + 2; }
constexpr int PointsOf(TileKind kind) { return InputsOf(kind) * InputsOf(kind); }

/// First output pixel of a tile. Those after it are a dilation apart.
struct Tile {
  int item, y, x;
};

/// How tiles cover images: all of every item of the batch, in rows.
struct TileGrid {
  /// For outputs of height x width. The first tap of output (y, x) is on pixel (y - pad[0],
  /// x - pad[1]) of the inputs; pad may be negative.
  TileGrid(TileKind kind, int num, int height, int width, const int (&dilation)[2],
           const int (&pad)[2]);

  /// The same grid for all who ask for it at a time: those of large images are large, and layers of
  /// one size have one.
  static shared_ptr<const TileGrid> Shared(TileKind kind, int num, int height, int width,
                                           const int (&dilation)[2], const int (&pad)[2]);

  int count() const { return static_cast<int>(tiles.size()); }
  int points() const { return PointsOf(kind); }

  TileKind kind;
  int dilation[2], pad[2];
  std::vector<Tile> tiles;
};

/// Some tiles of a grid. Where they end behind the grid's, the rest counts as zeros.
struct TileRange {
  int first, count;
};

/// Some channels of a layout.
struct ChannelRange {
  int first, count;
};

/// Channels that this processor handles at once, at most 16: blocks of layouts, and the firsts and
/// counts of ranges, have to be multiples. (Where a layout fills blocks up, the filling counts.)
int WinogradChannels();

/// Matrices, one for each point of a tile: [points][columns / block][rows / pair][block][pair].
/// Pairs are of neighbouring rows, as processors multiply bfloat16 numbers. Rows, columns and
/// blocks are multiples of WinogradChannels() but for rows that are tiles.
struct PointMatrices {
  TileKind kind;
  int rows, columns, block, pair;

  std::ptrdiff_t size() const { return std::ptrdiff_t(rows) * columns; }
  /// Columns that kernels handle at once which handle `width` floats: where numbers are rounded and
  /// not in pairs, twice as many.
  int ColumnsAtOnce(int width) const { return AreRounded(kind) && pair == 1 ? 2 * width : width; }
  /// Where in a matrix an element is; those of a row, or of pairs of rows, that are handled at once
  /// follow it.
  std::ptrdiff_t At(int row, int column) const {
    return (std::ptrdiff_t(column / block) * rows + row / pair * pair) * block +
           column % block * pair + row % pair;
  }
};

/// Values of the inputs at the points: matrices of tiles (rows, from `first_tile` on) and channels
/// (columns, from `first_channel` on). Rows for which there are no tiles are zeros.
void InputsToPoints(const TileGrid& grid, int first_tile, const ChannelLayout& layout,
                    int first_channel, const void* inputs, const PointMatrices& order,
                    void* points);

/// The same of diffs of outputs, for the gradient of the taps: the transpose of PointsToOutputs.
void OutputsToPoints(const TileGrid& grid, int first_tile, const ChannelLayout& layout,
                     int first_channel, const void* outputs, const PointMatrices& order,
                     void* points);

/// What becomes of an output: relu(factor * output + bias). Factors and bias, of all channels (the
/// filling included), may be null; slope is the ReLU's for negative values (1: none).
struct OutputFunction {
  const float* factors;
  const float* bias;
  float slope;
};

/// Outputs from their values at the points, [points][tiles][channels].
void PointsToOutputs(const TileGrid& grid, TileRange tiles, const float* points,
                     const OutputFunction& function, const ChannelLayout& layout,
                     ChannelRange channels, void* outputs);

/// Weights [outs][ins][3][3] as matrices of taps, from inputs (rows) to outputs (columns). From
/// outputs to inputs if turned: transposed, and with taps turned by 180 degrees. Matrices may have
/// more rows and columns, which are zeros.
struct Taps {
  int ins, outs;
  bool turned;

  int rows() const { return turned ? outs : ins; }
  int columns() const { return turned ? ins : outs; }
};

/// Values of the taps at the points, for the columns from `first_column` on; ordered in pairs where
/// they are rounded.
void TapsToPoints(const float* weights, const Taps& taps, int first_column,
                  const PointMatrices& order, void* points);

/// At every point result = left' * right, or result += that: [points][columns of the left][columns
/// of the right]. Rows are the same tiles in both, in pairs where they are rounded.
void TransposedProducts(const PointMatrices& left, const void* left_points,
                        const PointMatrices& right, const void* right_points, bool add,
                        float* result);

/// weights += the transpose of TapsToPoints, of floats.
void AddPointsToTaps(const float* points, const PointMatrices& order, const Taps& taps,
                     int first_column, float* weights);

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_WINOGRAD_TRANSFORMS_HPP_
