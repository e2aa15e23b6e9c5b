// The solvers besides SGD: each checks its parameters and fills in its rule.

#include "solver/run_rule.hpp"

namespace caffe {

namespace {

void CheckNoMomentum(const SolverParameter& param, const char* solver) {
  CHECK_EQ(param.momentum(), 0) << ": " << solver << " has no momentum; leave it out";
}

void CheckDecay(const char* name, float decay) {
  CHECK(decay >= 0 && decay < 1) << name << " lies in [0, 1) (got " << decay << ")";
}

}  // namespace

template <typename Dtype>
void NesterovSolver<Dtype>::SetUpRule() {}

template <typename Dtype>
void NesterovSolver<Dtype>::RunRule(int param_id, Dtype rate,
                                    typename SGDSolver<Dtype>::Pass pass) {
  const Dtype momentum = this->param_.momentum();
  this->Run(NesterovRule<Dtype>{this->LocalRate(param_id, rate), momentum}, param_id, pass);
}

template <typename Dtype>
void AdaGradSolver<Dtype>::SetUpRule() {
  this->InParamFile([&] { CheckNoMomentum(this->param_, "AdaGrad"); });
}

template <typename Dtype>
void AdaGradSolver<Dtype>::RunRule(int param_id, Dtype rate, typename SGDSolver<Dtype>::Pass pass) {
  const Dtype delta = this->param_.delta();
  this->Run(AdaGradRule<Dtype>{this->LocalRate(param_id, rate), delta}, param_id, pass);
}

template <typename Dtype>
void RMSPropSolver<Dtype>::SetUpRule() {
  this->InParamFile([&] {
    CheckNoMomentum(this->param_, "RMSProp");
    CheckDecay("rms_decay", this->param_.rms_decay());
  });
}

template <typename Dtype>
void RMSPropSolver<Dtype>::RunRule(int param_id, Dtype rate, typename SGDSolver<Dtype>::Pass pass) {
  const Dtype decay = this->param_.rms_decay();
  const Dtype delta = this->param_.delta();
  this->Run(RMSPropRule<Dtype>{this->LocalRate(param_id, rate), decay, delta}, param_id, pass);
}

template <typename Dtype>
void AdaDeltaSolver<Dtype>::SetUpRule() {
  this->AddSecondHistory();
}

template <typename Dtype>
void AdaDeltaSolver<Dtype>::RunRule(int param_id, Dtype rate,
                                    typename SGDSolver<Dtype>::Pass pass) {
  const Dtype momentum = this->param_.momentum();
  const Dtype delta = this->param_.delta();
  this->Run(AdaDeltaRule<Dtype>{this->LocalRate(param_id, rate), momentum, delta}, param_id, pass);
}

template <typename Dtype>
void AdamSolver<Dtype>::SetUpRule() {
  this->InParamFile([&] {
    CheckDecay("momentum", this->param_.momentum());
    CheckDecay("momentum2", this->param_.momentum2());
  });
  this->AddSecondHistory();
}

template <typename Dtype>
void AdamSolver<Dtype>::RunRule(int param_id, Dtype rate, typename SGDSolver<Dtype>::Pass pass) {
  const Dtype beta1 = this->param_.momentum();
  const Dtype beta2 = this->param_.momentum2();
  const Dtype delta = this->param_.delta();
  const int t = this->iter_ + 1;
  // The histories start at 0; this takes that bias out of the first iterations.
  const Dtype unbiased = std::sqrt(Dtype(1) - std::pow(beta2, t)) / (Dtype(1) - std::pow(beta1, t));
  this->Run(AdamRule<Dtype>{this->LocalRate(param_id, rate) * unbiased, beta1, beta2, delta},
            param_id, pass);
}

#define INSTANTIATE_AND_REGISTER(name) \
  INSTANTIATE_CLASS(name##Solver);     \
  REGISTER_SOLVER_CLASS(name)

INSTANTIATE_AND_REGISTER(Nesterov);
INSTANTIATE_AND_REGISTER(AdaGrad);
INSTANTIATE_AND_REGISTER(RMSProp);
INSTANTIATE_AND_REGISTER(AdaDelta);
INSTANTIATE_AND_REGISTER(Adam);

}  // namespace caffe
