#ifndef CAFFE_SRC_GPU_WINOGRAD_HPP_
#define CAFFE_SRC_GPU_WINOGRAD_HPP_

/// Winograd's way to convolve with 3x3 taps, on the GPU: 4x4 outputs at a time, see
/// dnn/winograd_transforms.hpp. A quarter of the multiplications is left, in products of matrices
/// by cuBLAS at its full speed, for which values pass through memory twice more. cuDNN has it, too,
/// but with kernels that newer GPUs run slowly.

#include <cstddef>

#include "core/convolution_geometry.hpp"
#include "util/divisor.hpp"

namespace caffe {

/// The places of tiles over the outputs of a convolution, of which all have 4x4, `dilation` pixels
/// apart. Pairs are height, width.
struct OutputTiles {
  int count;
  /// What numbers of tiles are divided by: tiles beside and below each other, and the dilation.
  Divisor across, down, apart[2];
  int outputs[2], inputs[2];
  int dilation[2];
  /// The first tap of output (y, x) is on input (y - pad[0], x - pad[1]).
  int pad[2];
};

/// One of a convolution's three products. Values are floats in plain order, and none is rounded to
/// fewer bits (TF32); but differences of the transforms make rounding errors some four times as
/// large as those of sums term by term. Equal inputs give equal bits.
class WinogradOnGpu {
 public:
  /// Whether it can compute a convolution's products.
  static bool Suits(const ConvolutionGeometry& geometry);

  /// The tiles are handled in turns of about `memory` bytes, at least 32 tiles; the taps take
  /// memory beside them.
  WinogradOnGpu(const ConvolutionGeometry& geometry, Product product, std::size_t memory);

  /// Bytes of temporary memory.
  std::size_t workspace() const;
  int turns() const { return (tiles_.count - 1) / (pieces_ * columns_) + 1; }

  /// From image to features, or from features to image. Pointers are on the GPU.
  void Convolve(const float* inputs, const float* weights, float* outputs, void* workspace) const;
  /// To weights: adds image * features to the diff, or overwrites it.
  void ToWeights(const float* image, const float* features, bool add, float* diff,
                 void* workspace) const;

 private:
  struct Points;

  Points PointsIn(void* workspace) const;

  bool turned_;
  int ins_, outs_;
  OutputTiles tiles_;
  /// Tiles of a turn lie in so many pieces, which are matrices of so many columns, with those that
  /// fill up the last one.
  int pieces_, columns_;
};

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_WINOGRAD_HPP_
