#include "solver/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/names.hpp"

namespace caffe {

namespace {

/// A way in which the rate changes over the iterations.
struct Policy {
  const char* name;
  /// Whether gamma is a factor, which may not be below 0.
  bool gamma_is_factor;
  /// The share of base_lr.
  double (*share)(const SolverParameter& param, int iter, int* step);
};

double Fixed(const SolverParameter&, int, int*) { return 1; }

double Exp(const SolverParameter& p, int iter, int*) { return std::pow(p.gamma(), iter); }

double Inv(const SolverParameter& p, int iter, int*) {
  // Where a gamma below 0 does not reach to the end, that is said at the start.
  const int last = std::max(iter, p.max_iter());
  CHECK(1 + p.gamma() * static_cast<double>(last) > 0)
      << "lr_policy inv: 1 + gamma * iter is not above 0 at iteration " << last
      << " with gamma: " << p.gamma();
  return std::pow(1 + p.gamma() * static_cast<double>(iter), -p.power());
}

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

double Sigmoid(const SolverParameter& p, int iter, int*) {
  CHECK_GT(p.stepsize(), 0) << ": lr_policy sigmoid needs stepsize, its middle";
  CHECK(p.has_gamma()) << "lr_policy sigmoid needs a gamma: below 0 the rate falls";
  return 1 / (1 + std::exp(-p.gamma() * (static_cast<double>(iter) - p.stepsize())));
}

double Poly(const SolverParameter& p, int iter, int*) {
  CHECK_GT(p.max_iter(), 0) << ": lr_policy poly needs max_iter";
  // Beyond max_iter (a run continued step by step) the rate stays at its end.
  const double left = std::max(0.0, 1 - static_cast<double>(iter) / p.max_iter());
  return std::pow(left, p.power());
}

const Policy kPolicies[] = {
    {"fixed", false, Fixed},     {"step", true, Step},           {"exp", true, Exp},
    {"inv", false, Inv},         {"multistep", true, MultiStep}, {"poly", false, Poly},
    {"sigmoid", false, Sigmoid},
};

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Policy& policy : kPolicies) names.push_back(policy.name);
  return names;
}

/// "fixed, step ... or sigmoid".
std::string NamesInWords() {
  const std::vector<std::string> names = Names();
  std::string words = names.front();
  for (size_t i = 1; i < names.size(); ++i) {
    words += (i + 1 < names.size() ? ", " : " or ") + names[i];
  }
  return words;
}

const Policy& FindPolicy(const std::string& name) {
  CHECK(!name.empty()) << "lr_policy is missing: use " << NamesInWords();
  const auto* found = std::find_if(std::begin(kPolicies), std::end(kPolicies),
                                   [&](const Policy& policy) { return policy.name == name; });
  CHECK(found != std::end(kPolicies)) << "unknown lr_policy '" << name << "'"
                                      << DidYouMean(name, Names()) << ": use " << NamesInWords();
  return *found;
}

}  // namespace

double LearningRate(const SolverParameter& param, int iter, int* step) {
  CHECK(param.has_base_lr()) << "base_lr is missing: the learning rate to start with";
  const Policy& policy = FindPolicy(param.lr_policy());
  if (policy.gamma_is_factor) {
    CHECK_GE(param.gamma(), 0) << ": lr_policy " << policy.name << " needs a gamma of at least 0";
  }
  return param.base_lr() * policy.share(param, iter, step);
}

}  // namespace caffe
