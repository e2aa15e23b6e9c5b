#ifndef CAFFE_SRC_DNN_WINOGRAD_TRANSFORMS_HPP_
#define CAFFE_SRC_DNN_WINOGRAD_TRANSFORMS_HPP_

/// Winograd's way to convolve with 3x3 taps, for 4x4 or 6x6 outputs at a time: F(4x4, 3x3) and
/// F(6x6, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
///
/// A tile of 4x4 outputs depends on 6x6 inputs. Both, and the taps, are polynomials of two
/// variables; their values at 6x6 points (0, 1, -1, 2, -2 and infinity each way) tell everything
/// about them, and at a point a convolution is one multiplication: 36 a tile instead of 144. Summed
/// over the channels they are 36 products of matrices, tiles x channels by channels x channels,
/// which a library does at its full speed; here is the way to the points and back. A tile of 6x6
/// outputs takes 64 multiplications instead of 324, but rounding errors are larger.
///
/// All three products of a convolution have it:
///   features = out(in(image) * taps(weights)),
///   image    = out(in(features) * taps(weights, turned by 180 degrees and transposed)),
///   weights  = taps'(in(image)' * out'(features)),
/// with in = B', out = A', taps = G of the paper, each on both axes, and ' for the transpose.
/// Dilated taps see the image as dilation x dilation images, each of every dilation-th pixel.

#include <vector>

#include "util/channel_layout.hpp"

namespace caffe {
namespace dnn {

/// Outputs of a tile along an axis, its side; of the inputs there are more.
const int kSmallTile = 4, kLargeTile = 6;
constexpr int InputsOf(int side) { return side + 2; }
constexpr int PointsOf(int side) { return InputsOf(side) * InputsOf(side); }

/// First output pixel of a tile. Those after it are a dilation apart.
struct Tile {
  int item, y, x;
};

/// How tiles cover images: all of every item of the batch, in rows.
struct TileGrid {
  /// For outputs of height x width. The first tap of output (y, x) is on pixel (y - pad[0],
  /// x - pad[1]) of the inputs; pad may be negative.
  TileGrid(int side, int num, int height, int width, const int (&dilation)[2], const int (&pad)[2]);

  /// The same grid for all who ask for it at a time: those of large images are large, and layers of
  /// one size have one.
  static shared_ptr<const TileGrid> Shared(int side, int num, int height, int width,
                                           const int (&dilation)[2], const int (&pad)[2]);

  int count() const { return static_cast<int>(tiles.size()); }
  int points() const { return PointsOf(side); }

  int side;
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

// Values at the points are [points of a tile][tiles][channels], of a range each.

/// Values of the inputs at the points.
void InputsToPoints(const TileGrid& grid, TileRange tiles, const ChannelLayout& layout,
                    ChannelRange channels, const void* inputs, float* points);

/// outputs = relu(what the values at the points tell + bias). Bias (of all channels, the filling
/// included) may be null, slope is the ReLU's for negative values (1: none).
void PointsToOutputs(const TileGrid& grid, TileRange tiles, const float* points, const float* bias,
                     float slope, const ChannelLayout& layout, ChannelRange channels,
                     void* outputs);

/// The transpose of PointsToOutputs, for the gradient of the taps.
void OutputsToPoints(const TileGrid& grid, TileRange tiles, const ChannelLayout& layout,
                     ChannelRange channels, const void* outputs, float* points);

/// Weights [outs][ins][3][3] as matrices of taps, from inputs (rows) to outputs (columns). From
/// outputs to inputs if turned: transposed, and with taps turned by 180 degrees. Matrices may have
/// more rows and columns, which are zeros.
struct Taps {
  int ins, outs;
  bool turned;

  int rows() const { return turned ? outs : ins; }
  int columns() const { return turned ? ins : outs; }
};

/// Values of taps at the points of tiles of a side, for some columns:
/// [points of a tile][columns / block][rows][block].
struct TapPoints {
  int side, rows, columns, block;

  std::ptrdiff_t point_size() const { return std::ptrdiff_t(rows) * columns; }
  /// Of a row, from `column` on as many as are handled at once.
  std::ptrdiff_t At(int row, int column) const {
    return (std::ptrdiff_t(column / block) * rows + row) * block + column % block;
  }
};

/// Values of the taps at the points, for the columns from `first_column` on. Rows and columns of
/// `order` are multiples of WinogradChannels().
void TapsToPoints(const float* weights, const Taps& taps, int first_column, const TapPoints& order,
                  float* points);

/// weights += the transpose of TapsToPoints.
void AddPointsToTaps(const float* points, const TapPoints& order, const Taps& taps,
                     int first_column, float* weights);

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_WINOGRAD_TRANSFORMS_HPP_
