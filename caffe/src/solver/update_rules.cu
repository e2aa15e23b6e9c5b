#include "solver/update_rules.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

template <bool kWhole, typename Dtype, typename Rule>
struct Update {
  Rule rule;
  Gradient<Dtype> gradient;
  ParamMemory<Dtype> p;
  CAFFE_HOST_DEVICE void operator()(int i) const { UpdateElement<kWhole>(rule, gradient, p, i); }
};

}  // namespace

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
