#include "solver/learning_rate.hpp"

#include <cmath>

#include "caffe/common.hpp"
#include "caffe/util/names.hpp"

namespace caffe {

namespace {

double Step(const SolverParameter& p, int iter, int* step) {
  CHECK_GT(p.stepsize(), 0) << ": lr_policy step needs stepsize";
  *step = iter / p.stepsize();
  return std::pow(p.gamma(), *step);
}

double MultiStep(const SolverParameter& p, int iter, int* step) {
  for (int i = 1; i < p.stepvalue_size(); ++i) {
    CHECK_GE(p.stepvalue(i), p.stepvalue(i - 1)) << ": no stepvalue may be below the one before";
  }
  while (*step < p.stepvalue_size() && iter >= p.stepvalue(*step)) ++*step;
  return std::pow(p.gamma(), *step);
}

double Sigmoid(const SolverParameter& p, int iter) {
  CHECK_GT(p.stepsize(), 0) << ": lr_policy sigmoid needs stepsize, its middle";
  return 1 / (1 + std::exp(-p.gamma() * (static_cast<double>(iter) - p.stepsize())));
}

double Poly(const SolverParameter& p, int iter) {
  CHECK_GT(p.max_iter(), 0) << ": lr_policy poly needs max_iter";
  // Beyond max_iter (a run continued step by step) the rate stays at its end.
  const double left = std::max(0.0, 1 - static_cast<double>(iter) / p.max_iter());
  return std::pow(left, p.power());
}

/// The share of base_lr.
double Factor(const SolverParameter& p, int iter, int* step) {
  const std::string& policy = p.lr_policy();
  CHECK(!policy.empty()) << "lr_policy is missing: use fixed, step, exp, inv, multistep, poly or "
                            "sigmoid";
  if (policy == "fixed") return 1;
  if (policy == "poly") return Poly(p, iter);
  const bool known = policy == "step" || policy == "exp" || policy == "inv" ||
                     policy == "multistep" || policy == "sigmoid";
  CHECK(known) << "unknown lr_policy '" << policy << "'"
               << DidYouMean(policy,
                             {"fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid"})
               << ": use fixed, step, exp, inv, multistep, poly or sigmoid";
  CHECK_GE(p.gamma(), 0) << ": lr_policy " << policy << " needs a gamma of at least 0";
  if (policy == "step") return Step(p, iter, step);
  if (policy == "multistep") return MultiStep(p, iter, step);
  if (policy == "exp") return std::pow(p.gamma(), iter);
  if (policy == "inv") return std::pow(1 + p.gamma() * static_cast<double>(iter), -p.power());
  return Sigmoid(p, iter);
}

}  // namespace

double LearningRate(const SolverParameter& param, int iter, int* step) {
  CHECK(param.has_base_lr()) << "base_lr is missing: the learning rate to start with";
  return param.base_lr() * Factor(param, iter, step);
}

}  // namespace caffe
