#ifndef CAFFE_SRC_LAYERS_BATCH_NORM_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_BATCH_NORM_ELEMENTS_HPP_

/// What BatchNorm computes of sums and coefficients, channel by channel; shared by CPU and GPU. The
/// statistics of a channel are its mean, and 1 / sqrt(variance + eps), its inverse deviation.

#include <cmath>

#include "caffe/layer.hpp"
#include "caffe/util/host_device.hpp"
#include "layers/on_device.hpp"
#include "util/two_sums.hpp"

namespace caffe {

/// What the running sums become with a batch's mean and unbiased variance. The bias, or null, is
/// one that the batch was not given.
template <typename Dtype>
struct RunningSums {
  Dtype fraction;
  const Dtype* bias;
  Dtype* mean;
  Dtype* variance;
  Dtype* weight;
  CAFFE_HOST_DEVICE void Add(int c, Dtype batch_mean, Dtype unbiased) const {
    mean[c] = fraction * mean[c] + (bias ? batch_mean + bias[c] : batch_mean);
    variance[c] = fraction * variance[c] + unbiased;
    if (c == 0) weight[0] = fraction * weight[0] + 1;
  }
};

/// The statistics of a batch, from its mean and variance.
template <typename Dtype>
struct TakeBatch {
  double count;
  double eps;
  RunningSums<Dtype> running;
  Dtype* mean;
  Dtype* inverse_deviation;
  CAFFE_HOST_DEVICE void operator()(int c, Dtype batch_mean, double variance) const {
    mean[c] = batch_mean;
    inverse_deviation[c] = static_cast<Dtype>(1 / std::sqrt(variance + eps));
    const double unbiased = count > 1 ? count / (count - 1) : 1;
    running.Add(c, batch_mean, static_cast<Dtype>(unbiased * variance));
  }
};

/// The statistics that the running sums are of. The bias, or null, is one that the values lack.
template <typename Dtype>
struct TakeRunning {
  Dtype eps;
  const Dtype* bias;
  const Dtype* running_mean;
  const Dtype* running_variance;
  const Dtype* weight;
  Dtype* mean;
  Dtype* variance;
  Dtype* inverse_deviation;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    const Dtype scale = weight[0] == Dtype(0) ? Dtype(0) : Dtype(1) / weight[0];
    mean[c] = scale * running_mean[c] - (bias ? bias[c] : Dtype(0));
    variance[c] = scale * running_variance[c];
    inverse_deviation[c] = Dtype(1) / std::sqrt(variance[c] + eps);
  }
};

/// From the sums of dy and dy z for each channel, what z and 1 are multiplied by in dx; dy is by
/// the inverse deviation. With x^ = (x - mean) / deviation: dx = (dy - mean(dy) - x^ mean(dy x^)) /
/// deviation. What there is of x^, z, is either itself (`normalized`) or x; both are x^ = a z + b.
template <typename Dtype>
struct StoreCoefficients {
  double count;
  bool normalized;
  const Dtype* mean;
  const Dtype* inverse_deviation;
  Dtype* factor_z;
  Dtype* offset;
  CAFFE_HOST_DEVICE void operator()(int c, const SumAndDot& of_dy) const {
    const double inverse = inverse_deviation[c];
    const double a = normalized ? 1 : inverse;
    const double b = normalized ? 0 : -mean[c] * inverse;
    const double mean_dy = of_dy.sum() / count;
    const double mean_dy_x = (a * of_dy.dot() + b * of_dy.sum()) / count;
    factor_z[c] = static_cast<Dtype>(-inverse * mean_dy_x * a);
    offset[c] = static_cast<Dtype>(-inverse * (mean_dy + mean_dy_x * b));
  }
};

/// With a Scale layer: y = a x + b, with a and b of both layers.
template <typename Dtype>
struct StoreWholeFactors {
  const Dtype* mean;
  const Dtype* inverse_deviation;
  const Dtype* scale;
  const Dtype* bias;  // or null
  Dtype* a;
  Dtype* b;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    a[c] = scale[c] * inverse_deviation[c];
    b[c] = (bias ? bias[c] : Dtype(0)) - a[c] * mean[c];
  }
};

/// Where the diff of blob i of that Scale layer (its factors, its bias) goes, or null.
template <typename Device, typename Dtype>
Dtype* WantedDiff(Layer<Dtype>* scale, int i) {
  const auto& learned = scale->blobs();
  const bool wanted = i < static_cast<int>(learned.size()) && scale->param_propagate_down(i);
  return wanted ? Device::MutableDiff(learned[i].get()) : nullptr;
}

/// From the sums of the gradient g of a x + b and of g (x - mean), the diffs of scale and bias
/// (where they are not null), and u and v of dx = a g + u x + v; u and v are 0 where the statistics
/// are fixed. With the normalised input z: dx = a (g - mean of g - z * mean of g z).
template <typename Dtype>
struct StoreWholeCoefficients {
  double count;
  bool fixed;
  const Dtype* mean;
  const Dtype* inverse_deviation;
  const Dtype* a;
  Dtype* scale_diff;
  Dtype* bias_diff;
  Dtype* u;
  Dtype* v;
  CAFFE_HOST_DEVICE void operator()(int c, const SumAndDot& of_g) const {
    const double dot = of_g.dot() * inverse_deviation[c];
    if (scale_diff) scale_diff[c] += static_cast<Dtype>(dot);
    if (bias_diff) bias_diff[c] += static_cast<Dtype>(of_g.sum());
    const double slope = dot / count * inverse_deviation[c];
    u[c] = fixed ? Dtype(0) : static_cast<Dtype>(-a[c] * slope);
    v[c] = fixed ? Dtype(0) : static_cast<Dtype>(-a[c] * (of_g.sum() / count - mean[c] * slope));
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_BATCH_NORM_ELEMENTS_HPP_
