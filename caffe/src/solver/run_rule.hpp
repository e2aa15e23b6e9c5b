#ifndef CAFFE_SRC_SOLVER_RUN_RULE_HPP_
#define CAFFE_SRC_SOLVER_RUN_RULE_HPP_

#include "caffe/sgd_solvers.hpp"
#include "caffe/util/parallel_for.hpp"
#include "solver/param_file.hpp"
#include "solver/update_rules.hpp"

namespace caffe {

/// Weight decay (and its kind) of a parameter, as part of its gradient. Throws Error where
/// regularization_type is unknown.
template <typename Dtype>
Gradient<Dtype> WeightDecay(const SolverParameter& param, float decay_mult);

/// What makes a gradient of the diffs that an iteration has added up.
inline double GradientScale(const SolverParameter& param) {
  return 1 / (double(param.iter_size()) * param.loss_scale());
}

/// Runs a rule over a parameter where its mode keeps it; `h` and `d` as many as the rule has
/// histories. Every element is computed alone, so the result does not depend on the threads.
template <typename Dtype, typename Rule>
void ApplyRule(const Rule& rule, const Gradient<Dtype>& gradient, bool whole, Blob<Dtype>* param,
               Blob<Dtype>* h = nullptr, Blob<Dtype>* d = nullptr) {
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    UpdateOnGpu(rule, gradient,
                ParamMemory<Dtype>{param->count(), param->mutable_gpu_data(),
                                   param->mutable_gpu_diff(), h ? h->mutable_gpu_data() : nullptr,
                                   d ? d->mutable_gpu_data() : nullptr},
                whole);
    return;
  }
#endif
  const ParamMemory<Dtype> p{param->count(), param->mutable_cpu_data(), param->mutable_cpu_diff(),
                             h ? h->mutable_cpu_data() : nullptr,
                             d ? d->mutable_cpu_data() : nullptr};
  ParallelFor(p.count, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    UpdateElements(rule, gradient, p, whole, begin, end);
  });
}

template <typename Dtype>
template <typename Rule>
void SGDSolver<Dtype>::Run(const Rule& rule, int param_id, Pass pass) {
  const vector<Blob<Dtype>*>& params = this->net_->learnable_params();
  Gradient<Dtype> gradient;
  if (pass == WHOLE_UPDATE) {
    gradient = this->InParamFile([&] {
      return WeightDecay<Dtype>(this->param_, this->net_->params_weight_decay()[param_id]);
    });
    gradient.scale = static_cast<Dtype>(GradientScale(this->param_));
  }
  Blob<Dtype>* second = Rule::kHistories > 1 ? history_[params.size() + param_id].get() : nullptr;
  ApplyRule(rule, gradient, pass == WHOLE_UPDATE, params[param_id], history_[param_id].get(),
            second);
}

}  // namespace caffe

#endif  // CAFFE_SRC_SOLVER_RUN_RULE_HPP_
