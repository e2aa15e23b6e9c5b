#ifndef CAFFE_SRC_LAYERS_POOLING_KERNELS_HPP_
#define CAFFE_SRC_LAYERS_POOLING_KERNELS_HPP_

/// Sliding windows over the planes of an image blob in any layout. Places in a plane are numbered
/// h * width + w and kept as floating point numbers, as in the mask blobs of prototxts.

#include "core/channel_layout.hpp"
#include "util/pool_windows.hpp"

namespace caffe {

/// y = maximum of each window; `where` = the place of its first occurrence. Either may be null.
/// Values may be kept as BFloat16 (T); places are float then.
template <typename Dtype, typename T>
void MaxPool(const ChannelLayout& bottom, const PoolWindows& windows, const T* x, T* y,
             Dtype* where);
/// dx = at each place the sum of dy of the windows whose value comes from there.
template <typename Dtype, typename T>
void MaxPoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const T* dy,
                     const Dtype* where, T* dx);

/// The same for windows that tile the plane, with the places taken from x. Layout: of x and dx.
template <typename Dtype, typename T>
void MaxPoolBackwardOfTiles(const ChannelLayout& layout, const PoolWindows& windows, const T* x,
                            const T* dy, T* dx);

/// y = sum of each window over its size in the padded image.
template <typename Dtype>
void AveragePool(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* x, Dtype* y);
template <typename Dtype>
void AveragePoolBackward(const ChannelLayout& bottom, const PoolWindows& windows, const Dtype* dy,
                         Dtype* dx);

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_POOLING_KERNELS_HPP_
