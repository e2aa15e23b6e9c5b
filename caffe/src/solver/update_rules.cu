#include "gpu/channels.cuh"
#include "gpu/loops.cuh"
#include "solver/update_rules.hpp"

namespace caffe {

namespace {

template <bool kWhole, typename Dtype, typename Rule>
struct Update {
  Rule rule;
  Gradient<Dtype> gradient;
  ParamMemory<Dtype> p;
  CAFFE_HOST_DEVICE void operator()(int i) const { UpdateElement<kWhole>(rule, gradient, p, i); }
};

template <typename Dtype>
struct ClipToNorm {
  const double* squares;
  Dtype limit;
  Dtype* values;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Dtype norm = static_cast<Dtype>(std::sqrt(*squares));
    if (norm > limit) values[i] *= limit / norm;
  }
};

}  // namespace

template <typename Dtype>
void AddSquaresOnGpu(int n, const Dtype* values, bool add, double* squares) {
  const Channels one({1, 1, n, 1, 1});
  SumChannels(one, SquareOfChannel(), StoreSum<double>{squares, add}, values);
}
template void AddSquaresOnGpu(int, const float*, bool, double*);
template void AddSquaresOnGpu(int, const double*, bool, double*);

template <typename Dtype>
void ClipToNormOnGpu(int n, const double* squares, Dtype limit, Dtype* values) {
  ForElements(n, ClipToNorm<Dtype>{squares, limit, values});
}
template void ClipToNormOnGpu(int, const double*, float, float*);
template void ClipToNormOnGpu(int, const double*, double, double*);

template <typename Dtype, typename Rule>
void UpdateOnGpu(const Rule& rule, const Gradient<Dtype>& gradient, const ParamMemory<Dtype>& p,
                 bool whole) {
  if (whole) {
    ForElements(p.count, Update<true, Dtype, Rule>{rule, gradient, p});
  } else {
    ForElements(p.count, Update<false, Dtype, Rule>{rule, gradient, p});
  }
}

#define INSTANTIATE_RULE(rule)                                                                     \
  template void UpdateOnGpu(const rule<float>&, const Gradient<float>&, const ParamMemory<float>&, \
                            bool);                                                                 \
  template void UpdateOnGpu(const rule<double>&, const Gradient<double>&,                          \
                            const ParamMemory<double>&, bool)
INSTANTIATE_RULE(GradientRule);
INSTANTIATE_RULE(SGDRule);
INSTANTIATE_RULE(NesterovRule);
INSTANTIATE_RULE(AdaGradRule);
INSTANTIATE_RULE(RMSPropRule);
INSTANTIATE_RULE(AdaDeltaRule);
INSTANTIATE_RULE(AdamRule);

}  // namespace caffe
