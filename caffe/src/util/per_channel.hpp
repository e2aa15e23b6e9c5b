#ifndef CAFFE_SRC_UTIL_PER_CHANNEL_HPP_
#define CAFFE_SRC_UTIL_PER_CHANNEL_HPP_

/// Sums over the pixels of each channel, and formulas with coefficients for each channel, on image
/// blobs in any layout. What BatchNorm, Scale, Bias and MVN are made of.
///
/// A blob that is not an image serves too: seen as {outer, channels, inner, 1, 1}, the middle axes
/// are the channels. Sums do not depend on the number of threads.

#include <vector>

#include "util/channel_layout.hpp"

namespace caffe {

/// For each channel, the sum of x over images and pixels.
template <typename Dtype>
vector<double> SumPerChannel(const ChannelLayout& layout, const Dtype* x);
/// For each channel, the sum of x * y.
template <typename Dtype>
vector<double> DotPerChannel(const ChannelLayout& layout, const Dtype* x, const Dtype* y);
/// For each channel, the sum of (x - centre)^2.
template <typename Dtype>
vector<double> SquaresPerChannel(const ChannelLayout& layout, const Dtype* x,
                                 const vector<Dtype>& centre);

/// y = a x + b; either of a and b may be empty (1 and 0). y may be x.
template <typename Dtype>
void ScalePerChannel(const ChannelLayout& layout, const Dtype* x, const vector<Dtype>& a,
                     const vector<Dtype>& b, Dtype* y);
/// y = a u + b v + c. y may be u or v.
template <typename Dtype>
void CombinePerChannel(const ChannelLayout& layout, const Dtype* u, const vector<Dtype>& a,
                       const Dtype* v, const vector<Dtype>& b, const vector<Dtype>& c, Dtype* y);

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_PER_CHANNEL_HPP_
