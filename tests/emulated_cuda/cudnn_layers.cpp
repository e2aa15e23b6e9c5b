// Pooling, softmax, LRN and BatchNorm.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cudnn_values.hpp"

using namespace emulated_cudnn;

namespace {

// What calls of this file have in common: y of x, or dx of a gradient, tensors of one type.
struct Scales {
  double alpha, beta;
  Scales(const void* alpha, const void* beta, const Tensor& tensor)
      : alpha(Factor(alpha, tensor.type)), beta(Factor(beta, tensor.type)) {}
};

// use(index of the first, distance) for each position of the channels.
template <typename Use>
void ForPositions(const Tensor& tensor, const Use& use) {
  for (int n = 0; n < tensor.n; ++n) {
    for (int i = 0; i < tensor.area(); ++i) {
      use(size_t(n) * tensor.c * tensor.area() + i, size_t(tensor.area()));
    }
  }
}

}  // namespace

// ---- pooling ----

namespace {

struct Windows {
  cudnnPoolingStruct pooling;
  Tensor x, y;

  bool Belong() const {
    const auto outputs = [&](int size, int axis) {
      return 1 + (size + 2 * pooling.pad[axis] - pooling.window[axis]) / pooling.stride[axis];
    };
    return x.type == y.type && x.n == y.n && x.c == y.c && y.h == outputs(x.h, 0) &&
           y.w == outputs(x.w, 1);
  }

  // use(index in x, index in y), the padding left out.
  template <typename Use>
  void ForAll(const Use& use) const {
    for (size_t o = 0; o < y.count(); ++o) {
      const size_t plane = o / y.area();
      const int row = int(o / y.w % y.h), column = int(o % y.w);
      for (int t = 0; t < pooling.window[0] * pooling.window[1]; ++t) {
        const int h = row * pooling.stride[0] - pooling.pad[0] + t / pooling.window[1];
        const int w = column * pooling.stride[1] - pooling.pad[1] + t % pooling.window[1];
        if (h < 0 || h >= x.h || w < 0 || w >= x.w) continue;
        use((plane * x.h + h) * x.w + w, o);
      }
    }
  }

  bool max() const { return pooling.mode == CUDNN_POOLING_MAX_DETERMINISTIC; }
  double share() const { return 1. / (pooling.window[0] * pooling.window[1]); }
};

}  // namespace

cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle, cudnnPoolingDescriptor_t pooling,
                                  const void* alpha, cudnnTensorDescriptor_t x_tensor,
                                  const void* x, const void* beta, cudnnTensorDescriptor_t y_tensor,
                                  void* y) {
  const Windows windows = {*pooling, *x_tensor, *y_tensor};
  if (!windows.Belong()) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  const Values from(*x_tensor, x), to(*y_tensor, y);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {from, to}, [=] {
    const Numbers values = from.Read();
    const double least = -std::numeric_limits<double>::infinity();
    Numbers pooled(windows.y.count(), windows.max() ? least : 0);
    windows.ForAll([&](size_t i, size_t o) {
      if (!windows.max()) {
        pooled[o] += values[i] * windows.share();
      } else if (!(values[i] <= pooled[o])) {
        pooled[o] = values[i];
      }
    });
    to.Write(pooled, scales.alpha, scales.beta);
  });
}

cudnnStatus_t cudnnPoolingBackward(cudnnHandle_t handle, cudnnPoolingDescriptor_t pooling,
                                   const void* alpha, cudnnTensorDescriptor_t y_tensor,
                                   const void* y, cudnnTensorDescriptor_t dy_tensor, const void* dy,
                                   cudnnTensorDescriptor_t x_tensor, const void* x,
                                   const void* beta, cudnnTensorDescriptor_t dx_tensor, void* dx) {
  const Windows windows = {*pooling, *x_tensor, *y_tensor};
  if (!windows.Belong() || !(*y_tensor == *dy_tensor) || !(*x_tensor == *dx_tensor)) {
    return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  }
  const Values input(*x_tensor, x), output(*y_tensor, y), diff(*dy_tensor, dy), to(*dx_tensor, dx);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {input, output, diff, to}, [=] {
    const Numbers from = input.Read(), maxima = output.Read(), of = diff.Read();
    std::vector<bool> given(of.size());
    Numbers sums(from.size());
    windows.ForAll([&](size_t i, size_t o) {
      if (!windows.max()) {
        sums[i] += of[o] * windows.share();
      } else if (from[i] == maxima[o] && !given[o]) {
        sums[i] += of[o];
        given[o] = true;
      }
    });
    to.Write(sums, scales.alpha, scales.beta);
  });
}

// ---- softmax ----

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t, cudnnSoftmaxMode_t,
                                  const void* alpha, cudnnTensorDescriptor_t x_tensor,
                                  const void* x, const void* beta, cudnnTensorDescriptor_t y_tensor,
                                  void* y) {
  if (!(*x_tensor == *y_tensor)) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  const Values from(*x_tensor, x), to(*y_tensor, y);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {from, to}, [=] {
    Numbers p = from.Read();
    const int classes = from.tensor.c;
    ForPositions(from.tensor, [&](size_t first, size_t step) {
      double largest = p[first], sum = 0;
      for (int c = 0; c < classes; ++c) largest = std::max(largest, p[first + c * step]);
      for (int c = 0; c < classes; ++c) {
        sum += p[first + c * step] = std::exp(p[first + c * step] - largest);
      }
      for (int c = 0; c < classes; ++c) p[first + c * step] /= sum;
    });
    to.Write(p, scales.alpha, scales.beta);
  });
}

cudnnStatus_t cudnnSoftmaxBackward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t,
                                   cudnnSoftmaxMode_t, const void* alpha,
                                   cudnnTensorDescriptor_t y_tensor, const void* y,
                                   cudnnTensorDescriptor_t dy_tensor, const void* dy,
                                   const void* beta, cudnnTensorDescriptor_t dx_tensor, void* dx) {
  if (!(*y_tensor == *dy_tensor) || !(*y_tensor == *dx_tensor)) {
    return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  }
  const Values output(*y_tensor, y), diff(*dy_tensor, dy), to(*dx_tensor, dx);
  const Scales scales(alpha, beta, *y_tensor);
  return Queue(handle, {output, diff, to}, [=] {
    const Numbers p = output.Read();
    Numbers d = diff.Read();
    const int classes = to.tensor.c;
    ForPositions(to.tensor, [&](size_t first, size_t step) {
      double dot = 0;
      for (int c = 0; c < classes; ++c) dot += p[first + c * step] * d[first + c * step];
      for (int c = 0; c < classes; ++c) {
        d[first + c * step] = p[first + c * step] * (d[first + c * step] - dot);
      }
    });
    to.Write(d, scales.alpha, scales.beta);
  });
}

// ---- LRN ----

namespace {

// The base of each value's power, k + alpha / n * the sum of squares around it.
Numbers Bases(const cudnnLRNStruct& lrn, const Tensor& tensor, const Numbers& x) {
  Numbers bases(x.size());
  const int behind = (lrn.n - 1) / 2, ahead = lrn.n - 1 - behind;
  ForPositions(tensor, [&](size_t first, size_t step) {
    for (int c = 0; c < tensor.c; ++c) {
      double sum = 0;
      for (int j = std::max(0, c - behind); j <= std::min(tensor.c - 1, c + ahead); ++j) {
        sum += x[first + j * step] * x[first + j * step];
      }
      bases[first + c * step] = lrn.k + lrn.alpha / lrn.n * sum;
    }
  });
  return bases;
}

}  // namespace

cudnnStatus_t cudnnLRNCrossChannelForward(cudnnHandle_t handle, cudnnLRNDescriptor_t lrn,
                                          cudnnLRNMode_t, const void* alpha,
                                          cudnnTensorDescriptor_t x_tensor, const void* x,
                                          const void* beta, cudnnTensorDescriptor_t y_tensor,
                                          void* y) {
  if (!(*x_tensor == *y_tensor)) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  const Values from(*x_tensor, x), to(*y_tensor, y);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {from, to}, [=, lrn = *lrn] {
    Numbers values = from.Read();
    const Numbers bases = Bases(lrn, from.tensor, values);
    for (size_t i = 0; i < values.size(); ++i) values[i] *= std::pow(bases[i], -lrn.beta);
    to.Write(values, scales.alpha, scales.beta);
  });
}

cudnnStatus_t cudnnLRNCrossChannelBackward(cudnnHandle_t handle, cudnnLRNDescriptor_t lrn,
                                           cudnnLRNMode_t, const void* alpha,
                                           cudnnTensorDescriptor_t y_tensor, const void* y,
                                           cudnnTensorDescriptor_t dy_tensor, const void* dy,
                                           cudnnTensorDescriptor_t x_tensor, const void* x,
                                           const void* beta, cudnnTensorDescriptor_t dx_tensor,
                                           void* dx) {
  if (!(*x_tensor == *y_tensor) || !(*x_tensor == *dy_tensor) || !(*x_tensor == *dx_tensor)) {
    return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  }
  const Values input(*x_tensor, x), output(*y_tensor, y), diff(*dy_tensor, dy), to(*dx_tensor, dx);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {input, output, diff, to}, [=, lrn = *lrn] {
    const Tensor& tensor = to.tensor;
    const Numbers from = input.Read(), result = output.Read(), of = diff.Read();
    const Numbers bases = Bases(lrn, tensor, from);
    Numbers sums(from.size());
    const int behind = (lrn.n - 1) / 2, ahead = lrn.n - 1 - behind;
    ForPositions(tensor, [&](size_t first, size_t step) {
      for (int c = 0; c < tensor.c; ++c) {
        const size_t i = first + c * step;
        sums[i] += of[i] * std::pow(bases[i], -lrn.beta);
        for (int j = std::max(0, c - behind); j <= std::min(tensor.c - 1, c + ahead); ++j) {
          const size_t k = first + j * step;
          sums[k] -= 2 * lrn.alpha / lrn.n * lrn.beta * from[k] * of[i] * result[i] / bases[i];
        }
      }
    });
    to.Write(sums, scales.alpha, scales.beta);
  });
}

// ---- BatchNorm: nothing says that it works in place ----

namespace {

bool AreChannelsOf(const Tensor& channels, const Tensor& values) {
  return channels.type == values.type && channels.c == values.c &&
         channels.n * channels.area() == 1;
}

// use(channel, index) for all values.
template <typename Use>
void ForChannels(const Tensor& tensor, const Use& use) {
  for (size_t i = 0; i < tensor.count(); ++i) use(int(i / tensor.area() % tensor.c), i);
}

double ValuesOfChannel(const Tensor& tensor) { return double(tensor.n) * tensor.area(); }

}  // namespace

cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t handle, cudnnBatchNormMode_t, const void* alpha, const void* beta,
    cudnnTensorDescriptor_t x_tensor, const void* x, cudnnTensorDescriptor_t y_tensor, void* y,
    cudnnTensorDescriptor_t channels, const void* scale, const void* shift, double factor,
    void* running_mean, void* running_variance, double epsilon, void* saved_mean,
    void* saved_inverse) {
  if (!(*x_tensor == *y_tensor) || !AreChannelsOf(*channels, *x_tensor)) {
    return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  }
  if (epsilon < CUDNN_BN_MIN_EPSILON || x == y) return CUDNN_STATUS_BAD_PARAM;
  const Values from(*x_tensor, x), to(*y_tensor, y), a(*channels, scale), b(*channels, shift),
      means(*channels, running_mean), variances(*channels, running_variance),
      mean_kept(*channels, saved_mean), inverse_kept(*channels, saved_inverse);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {from, to, a, b, means, variances, mean_kept, inverse_kept}, [=] {
    const double count = ValuesOfChannel(from.tensor);
    Numbers values = from.Read();
    const Numbers scale = a.Read(), shift = b.Read();
    Numbers mean(scale.size()), variance(scale.size()), unbiased, inverse;
    ForChannels(from.tensor, [&](int c, size_t i) { mean[c] += values[i] / count; });
    ForChannels(from.tensor, [&](int c, size_t i) {
      variance[c] += (values[i] - mean[c]) * (values[i] - mean[c]) / count;
    });
    for (const double v : variance) {
      unbiased.push_back(v * count / (count - 1));
      inverse.push_back(1 / std::sqrt(v + epsilon));
    }
    ForChannels(from.tensor, [&](int c, size_t i) {
      values[i] = scale[c] * (values[i] - mean[c]) * inverse[c] + shift[c];
    });
    to.Write(values, scales.alpha, scales.beta);
    // running = running * (1 - factor) + new * factor, old values that are NaN included.
    const auto add = [factor](const Values& running, const Numbers& now) {
      Numbers sums = running.Read();
      for (size_t c = 0; c < sums.size(); ++c) sums[c] = sums[c] * (1 - factor) + now[c] * factor;
      running.Write(sums, 1, 0);
    };
    add(means, mean);
    add(variances, unbiased);
    mean_kept.Write(mean, 1, 0);
    inverse_kept.Write(inverse, 1, 0);
  });
}

cudnnStatus_t cudnnBatchNormalizationForwardInference(
    cudnnHandle_t handle, cudnnBatchNormMode_t, const void* alpha, const void* beta,
    cudnnTensorDescriptor_t x_tensor, const void* x, cudnnTensorDescriptor_t y_tensor, void* y,
    cudnnTensorDescriptor_t channels, const void* scale, const void* shift, const void* mean,
    const void* variance, double epsilon) {
  if (!(*x_tensor == *y_tensor) || !AreChannelsOf(*channels, *x_tensor)) {
    return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  }
  if (epsilon < CUDNN_BN_MIN_EPSILON || x == y) return CUDNN_STATUS_BAD_PARAM;
  const Values from(*x_tensor, x), to(*y_tensor, y), a(*channels, scale), b(*channels, shift),
      centre(*channels, mean), spread(*channels, variance);
  const Scales scales(alpha, beta, *x_tensor);
  return Queue(handle, {from, to, a, b, centre, spread}, [=] {
    Numbers values = from.Read();
    const Numbers scale = a.Read(), shift = b.Read(), mean = centre.Read();
    const Numbers variance = spread.Read();
    ForChannels(from.tensor, [&](int c, size_t i) {
      values[i] = scale[c] * (values[i] - mean[c]) / std::sqrt(variance[c] + epsilon) + shift[c];
    });
    to.Write(values, scales.alpha, scales.beta);
  });
}

cudnnStatus_t cudnnBatchNormalizationBackward(cudnnHandle_t handle, cudnnBatchNormMode_t,
                                              const void* alpha_data, const void* beta_data,
                                              const void* alpha_param, const void* beta_param,
                                              cudnnTensorDescriptor_t x_tensor, const void* x,
                                              cudnnTensorDescriptor_t dy_tensor, const void* dy,
                                              cudnnTensorDescriptor_t dx_tensor, void* dx,
                                              cudnnTensorDescriptor_t channels, const void* scale,
                                              void* scale_diff, void* shift_diff, double epsilon,
                                              const void* saved_mean, const void* saved_inverse) {
  if (!(*x_tensor == *dy_tensor) || !(*x_tensor == *dx_tensor) ||
      !AreChannelsOf(*channels, *x_tensor)) {
    return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  }
  if (epsilon < CUDNN_BN_MIN_EPSILON || dy == dx) return CUDNN_STATUS_BAD_PARAM;
  const Values input(*x_tensor, x), diff(*dy_tensor, dy), to(*dx_tensor, dx), a(*channels, scale),
      scale_to(*channels, scale_diff), shift_to(*channels, shift_diff),
      mean_kept(*channels, saved_mean), inverse_kept(*channels, saved_inverse);
  const Scales data(alpha_data, beta_data, *x_tensor), param(alpha_param, beta_param, *x_tensor);
  return Queue(handle, {input, diff, to, a, scale_to, shift_to, mean_kept, inverse_kept}, [=] {
    const double count = ValuesOfChannel(input.tensor);
    Numbers values = input.Read();
    const Numbers of = diff.Read(), scale = a.Read(), mean = mean_kept.Read();
    const Numbers inverse = inverse_kept.Read();
    Numbers sums(scale.size()), dots(scale.size());
    ForChannels(input.tensor, [&](int c, size_t i) {
      values[i] = (values[i] - mean[c]) * inverse[c];
      sums[c] += of[i];
      dots[c] += of[i] * values[i];
    });
    ForChannels(input.tensor, [&](int c, size_t i) {
      values[i] = scale[c] * inverse[c] * (of[i] - sums[c] / count - values[i] * dots[c] / count);
    });
    to.Write(values, data.alpha, data.beta);
    scale_to.Write(dots, param.alpha, param.beta);
    shift_to.Write(sums, param.alpha, param.beta);
  });
}
