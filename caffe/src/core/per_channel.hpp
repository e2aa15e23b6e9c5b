#ifndef CAFFE_SRC_CORE_PER_CHANNEL_HPP_
#define CAFFE_SRC_CORE_PER_CHANNEL_HPP_

/// Sums over the pixels of each channel, and formulas with coefficients for each channel, on image
/// blobs in any layout. What BatchNorm, Scale, Bias and MVN are made of.
///
/// A blob that is not an image serves too: seen as {outer, channels, inner, 1, 1}, the middle axes
/// are the channels. Sums do not depend on the number of threads.

#include <vector>

#include "core/channel_layout.hpp"

namespace caffe {

/// A parameter's values, as the formulas take them: one for each channel.
template <typename Dtype>
vector<Dtype> ValuesOf(const Blob<Dtype>& parameter) {
  return vector<Dtype>(parameter.cpu_data(), parameter.cpu_data() + parameter.count());
}

// Values are kept as T: float, double or BFloat16, which is computed with in float.

/// For each channel, the sum of x over images and pixels.
template <typename T>
vector<double> SumPerChannel(const ChannelLayout& layout, const T* x);
/// Adds to each channel's value, e.g. to the gradient of its bias, its sum.
template <typename Dtype>
void AddSums(const vector<double>& sums, Dtype* values) {
  for (size_t c = 0; c < sums.size(); ++c) values[c] += static_cast<Dtype>(sums[c]);
}
/// For each channel, the sum of x * y.
template <typename T>
vector<double> DotPerChannel(const ChannelLayout& layout, const T* x, const T* y);
/// For each channel, the mean of x (0 where there are no values), and the sum of (x - mean)^2.
template <typename T>
void MomentsPerChannel(const ChannelLayout& layout, const T* x, vector<Arithmetic<T>>* means,
                       vector<double>* squares);

/// y = a x + b; either of a and b may be empty (1 and 0). y may be x. Where that is not positive it
/// is multiplied by `slope`.
template <typename T>
void ScalePerChannel(const ChannelLayout& layout, const T* x, const vector<Arithmetic<T>>& a,
                     const vector<Arithmetic<T>>& b, T* y, Arithmetic<T> slope = 1);
/// y = a u + b v + c. y may be u or v.
template <typename T>
void CombinePerChannel(const ChannelLayout& layout, const T* u, const vector<Arithmetic<T>>& a,
                       const T* v, const vector<Arithmetic<T>>& b, const vector<Arithmetic<T>>& c,
                       T* y);

/// The gradient of y = relu(a x + b) as it is before the ReLU: dy where a x + b is positive, else
/// slope * dy.
template <typename T>
struct RectifiedGradient {
  const T* dy;
  const T* x;
  vector<Arithmetic<T>> a, b;
  Arithmetic<T> slope;
};

/// For each channel, the sums of the gradient g and of g * (x - centre).
template <typename T>
void GradientSumsPerChannel(const ChannelLayout& layout, const RectifiedGradient<T>& g,
                            const vector<Arithmetic<T>>& centre, vector<double>* sums,
                            vector<double>* dots);
/// dx = a g + u x + v, with g's a and x. dx may be g.dy.
template <typename T>
void CombineGradientPerChannel(const ChannelLayout& layout, const RectifiedGradient<T>& g,
                               const vector<Arithmetic<T>>& u, const vector<Arithmetic<T>>& v,
                               T* dx);

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_PER_CHANNEL_HPP_
