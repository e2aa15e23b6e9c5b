#ifndef CAFFE_SRC_DNN_WINOGRAD_CONVOLUTION_HPP_
#define CAFFE_SRC_DNN_WINOGRAD_CONVOLUTION_HPP_

#include "dnn/convolution.hpp"
#include "dnn/winograd_transforms.hpp"

namespace caffe {
namespace dnn {

/// A convolution by Winograd's algorithm (winograd_transforms.hpp) of images and features in these
/// layouts; null where they or the geometry do not suit it: one group of 3x3 taps, stride 1, and
/// blocks of WinogradChannels() channels or a multiple of it; for tiles that are rounded
/// HasBfloat16() and multiples of 64 channels.
///
/// Sums are rounded otherwise than in a direct convolution: floats of unit scale differ by some
/// 1e-6, with large tiles by some 1e-5. bfloat16 values are multiplied as floats, but for tiles
/// that are rounded: 4e-3 with tiny ones, 1e-2 with small ones.
///
/// Layers take WithWinograd; this, with tiles of one kind for all products, is for tests.
shared_ptr<Convolution<float>> Winograd(const ConvolutionGeometry& geometry,
                                        const ChannelLayout& image, const ChannelLayout& features,
                                        TileKind kind);

/// Whether oneDNN's own kernels do all convolutions of bfloat16 numbers, on processors with AMX: it
/// multiplies them faster than all that is saved here.
bool LeavesBfloat16ToOneDnn();

/// The same, with small tiles for floats and the fastest for bfloat16 (small rounded ones only for
/// gradients), for those of the products where that is faster than `direct`, which does the others;
/// direct itself where none is.
/// CAFFE_WINOGRAD=0 in the environment leaves everything to it.
shared_ptr<Convolution<float>> WithWinograd(const ConvolutionGeometry& geometry,
                                            const ChannelLayout& image,
                                            const ChannelLayout& features,
                                            const shared_ptr<Convolution<float>>& direct);

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_WINOGRAD_CONVOLUTION_HPP_
