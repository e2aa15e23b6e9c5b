#include "caffe/common.hpp"
#include "solver/update_rules.hpp"

namespace caffe {

template <bool kWhole, typename Dtype, typename Rule>
__global__ void UpdateKernel(const Rule rule, const Gradient<Dtype> gradient,
                             const ParamMemory<Dtype> p) {
  CUDA_KERNEL_LOOP(i, p.count) { UpdateElement<kWhole>(rule, gradient, p, i); }
}

template <typename Dtype, typename Rule>
void UpdateOnGpu(const Rule& rule, const Gradient<Dtype>& gradient, const ParamMemory<Dtype>& p,
                 bool whole) {
  if (p.count == 0) return;
  const int blocks = CAFFE_GET_BLOCKS(p.count);
  if (whole) {
    UpdateKernel<true><<<blocks, CAFFE_CUDA_NUM_THREADS>>>(rule, gradient, p);
  } else {
    UpdateKernel<false><<<blocks, CAFFE_CUDA_NUM_THREADS>>>(rule, gradient, p);
  }
  CUDA_POST_KERNEL_CHECK;
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
