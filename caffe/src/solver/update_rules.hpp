#ifndef CAFFE_SRC_SOLVER_UPDATE_RULES_HPP_
#define CAFFE_SRC_SOLVER_UPDATE_RULES_HPP_

/// The solvers' formulas for one element of a parameter, shared by the CPU loop and the GPU kernel.
///
/// A rule takes the gradient and the element's history (h; rules with kHistories == 2 also d) and
/// returns what to subtract from the parameter. Sources: see sgd_solvers.hpp.

#include <cmath>
#include <cstddef>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// The raw gradient made ready for a rule: normalised, with weight decay.
template <typename Dtype>
struct Gradient {
  Dtype scale = 1;
  Dtype l2 = 0;
  Dtype l1 = 0;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype w) const {
    const Dtype sign = static_cast<Dtype>((w > Dtype(0)) - (w < Dtype(0)));
    return g * scale + l2 * w + l1 * sign;
  }
};

template <typename Dtype>
struct SGDRule {
  static constexpr int kHistories = 1;
  Dtype rate, momentum;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype* h, Dtype*) const {
    *h = rate * g + momentum * *h;
    return *h;
  }
};

template <typename Dtype>
struct NesterovRule {
  static constexpr int kHistories = 1;
  Dtype rate, momentum;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype* h, Dtype*) const {
    const Dtype before = *h;
    *h = rate * g + momentum * before;
    return (1 + momentum) * *h - momentum * before;
  }
};

template <typename Dtype>
struct AdaGradRule {
  static constexpr int kHistories = 1;
  Dtype rate, delta;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype* h, Dtype*) const {
    *h += g * g;
    return rate * g / (std::sqrt(*h) + delta);
  }
};

template <typename Dtype>
struct RMSPropRule {
  static constexpr int kHistories = 1;
  Dtype rate, decay, delta;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype* h, Dtype*) const {
    *h = decay * *h + (1 - decay) * g * g;
    return rate * g / (std::sqrt(*h) + delta);
  }
};

template <typename Dtype>
struct AdaDeltaRule {
  static constexpr int kHistories = 2;
  Dtype rate, momentum, delta;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype* h, Dtype* d) const {
    *h = momentum * *h + (1 - momentum) * g * g;
    const Dtype update = g * std::sqrt((*d + delta) / (*h + delta));
    *d = momentum * *d + (1 - momentum) * update * update;
    return rate * update;
  }
};

template <typename Dtype>
struct AdamRule {
  static constexpr int kHistories = 2;
  Dtype rate, beta1, beta2, delta;  // the rate with the correction for the early iterations

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype* h, Dtype* d) const {
    *h = beta1 * *h + (1 - beta1) * g;
    *d = beta2 * *d + (1 - beta2) * g * g;
    return rate * *h / (std::sqrt(*d) + delta);
  }
};

/// Leaves the gradient as it is; for the steps that come before a solver's rule.
template <typename Dtype>
struct GradientRule {
  static constexpr int kHistories = 0;

  CAFFE_HOST_DEVICE Dtype operator()(Dtype g, Dtype*, Dtype*) const { return g; }
};

/// The memory of one parameter; `h` and `d` are null where the rule has no such history.
template <typename Dtype>
struct ParamMemory {
  std::ptrdiff_t count;
  Dtype* data;
  Dtype* diff;
  Dtype* h;
  Dtype* d;
};

/// Element i: raw gradient to update, which is left in the diff; the parameter changes only if
/// kWhole.
template <bool kWhole, typename Dtype, typename Rule>
CAFFE_HOST_DEVICE inline void UpdateElement(const Rule& rule, const Gradient<Dtype>& gradient,
                                            const ParamMemory<Dtype>& p, std::ptrdiff_t i) {
  // In registers, so that the compiler may take many elements at a time.
  Dtype h = Rule::kHistories > 0 ? p.h[i] : Dtype(0);
  Dtype d = Rule::kHistories > 1 ? p.d[i] : Dtype(0);
  const Dtype update = rule(gradient(p.diff[i], p.data[i]), &h, &d);
  if (Rule::kHistories > 0) p.h[i] = h;
  if (Rule::kHistories > 1) p.d[i] = d;
  p.diff[i] = update;
  if (kWhole) p.data[i] -= update;
}

/// Elements [begin, end); the arrays of `p` are distinct.
template <typename Dtype, typename Rule>
void UpdateElements(const Rule& rule, const Gradient<Dtype>& gradient, const ParamMemory<Dtype>& p,
                    bool whole, std::ptrdiff_t begin, std::ptrdiff_t end) {
  if (whole) {
#pragma GCC ivdep
    for (std::ptrdiff_t i = begin; i < end; ++i) UpdateElement<true>(rule, gradient, p, i);
  } else {
#pragma GCC ivdep
    for (std::ptrdiff_t i = begin; i < end; ++i) UpdateElement<false>(rule, gradient, p, i);
  }
}

#ifndef CPU_ONLY
/// The same for all elements of a parameter in device memory.
template <typename Dtype, typename Rule>
void UpdateOnGpu(const Rule& rule, const Gradient<Dtype>& gradient, const ParamMemory<Dtype>& p,
                 bool whole);

/// Makes *squares the sum of the squares of n values, or adds it; pointers are on the GPU.
template <typename Dtype>
void AddSquaresOnGpu(int n, const Dtype* values, bool add, double* squares);
/// Scales values, of all of which *squares is the sum of the squares, down to a norm of `limit`;
/// leaves those alone whose norm is smaller.
template <typename Dtype>
void ClipToNormOnGpu(int n, const double* squares, Dtype limit, Dtype* values);
#endif

}  // namespace caffe

#endif  // CAFFE_SRC_SOLVER_UPDATE_RULES_HPP_
