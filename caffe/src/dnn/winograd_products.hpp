#ifndef CAFFE_SRC_DNN_WINOGRAD_PRODUCTS_HPP_
#define CAFFE_SRC_DNN_WINOGRAD_PRODUCTS_HPP_

/// The three products of a convolution over tiles: the transforms of winograd_transforms.hpp and
/// products of matrices between them, in turns.

#include "dnn/convolution.hpp"
#include "dnn/engine.hpp"
#include "dnn/winograd_transforms.hpp"

namespace caffe {
namespace dnn {

/// Channels with those that fill the last block up.
inline int Filled(const ChannelLayout& layout) { return layout.blocks() * layout.block; }

/// Whether products of so many channels, the filling included, may be of tiles that are rounded.
bool SuitRounding(int ins, int outs);

/// How the work is divided: into turns, each of which does all that there is to do for some tiles,
/// or for some columns, while what it made is in the caches.
struct TileTurns {
  /// For a grid's tiles of `rows` channels, and taps of rows x all columns.
  TileTurns(const TileGrid& grid, int rows, int all_columns);

  int count;
  bool of_columns;
  /// In a turn.
  int tiles, columns;
};

/// The passes of one product, between blobs in these layouts, and their memory. The grid must
/// outlive it.
struct TilePlan {
  TilePlan(const TileGrid& of_tiles, const ChannelLayout& of_inputs,
           const ChannelLayout& of_outputs, bool turned)
      : grid(of_tiles),
        inputs(of_inputs),
        outputs(of_outputs),
        taps{turned ? outputs.channels : inputs.channels,
             turned ? inputs.channels : outputs.channels, turned},
        turns(grid, Filled(inputs), Filled(outputs)),
        rows(Filled(inputs)) {}

  /// Memory of a turn, for the taps of its columns or the values of its tiles.
  HostBuffer FactorBuffer(bool of_taps) const;

  /// The tiles and the columns of a turn: some and all, or all and some.
  TileRange Tiles(int turn) const {
    return {turns.of_columns ? 0 : turn * turns.tiles, turns.tiles};
  }
  ChannelRange Columns(int turn) const {
    return {turns.of_columns ? turn * turns.columns : 0, turns.columns};
  }

  /// Orders of matrices. Those in pairs are in blocks, which takes columns to fill.
  PointMatrices Order(int of_rows, int of_columns, bool in_pairs) const;
  PointMatrices Plain(int of_rows, int of_columns) const {
    return {grid.kind, of_rows, of_columns, of_columns, 1};
  }

  const TileGrid& grid;
  ChannelLayout inputs, outputs;
  Taps taps;
  TileTurns turns;
  /// Of the taps: the channels of the inputs.
  int rows;
};

/// Products of matrices, one for each point.
class PointProducts {
 public:
  PointProducts(const dnnl::memory::desc& left, const dnnl::memory::desc& right,
                const dnnl::memory::desc& result)
      : desc_(Engine(), left, right, result, Attributes()), product_(desc_) {}

  dnnl::memory::desc right() const { return desc_.weights_desc(); }
  void Run(const HostBuffer& left, const HostBuffer& right, const HostBuffer& result) const;

 private:
  dnnl::matmul::primitive_desc desc_;
  dnnl::matmul product_;
};

/// outputs = inputs * taps, in either direction.
class TileConvolution {
 public:
  TileConvolution(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs,
                  bool turned);

  /// relu(factors * (inputs * taps) + bias): slope is the ReLU's for negative values (1: none).
  void Run(const void* inputs, const Parameters<float>& parameters, float slope,
           void* outputs) const;

 private:
  dnnl::memory::desc Matrices(int rows, int columns, dnnl::memory::data_type type,
                              dnnl::memory::format_tag order) const;
  dnnl::memory::data_type FactorType() const;
  dnnl::memory::desc TapMatrices(dnnl::memory::format_tag order) const;
  PointProducts Products(dnnl::memory::format_tag order_of_taps) const;

  TilePlan plan_;
  int threads_;
  PointMatrices inputs_, taps_;
  PointProducts products_;
};

/// Diff of weights += inputs' * outputs.
class TileWeightDiff {
 public:
  TileWeightDiff(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs);

  /// From inputs and the diffs of outputs.
  void Run(const void* inputs, const void* outputs, Blob<float>* weights) const;

 private:
  struct Made;

  void MakeInputs(const void* inputs, int turn, const HostBuffer& from) const;
  void MakeTaps(const HostBuffer& from, const void* outputs, int turn, bool add,
                const Made& made) const;
  void AddTaps(const Made& made, int turn, float* diff) const;
  void ForColumns(const HostBuffer& from, const void* outputs, float* diff) const;
  void ForTiles(const void* inputs, const HostBuffer& from, const void* outputs, float* diff) const;

  TilePlan plan_;
  PointMatrices inputs_, outputs_, taps_;
};

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_WINOGRAD_PRODUCTS_HPP_
