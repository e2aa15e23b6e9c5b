#ifndef CAFFE_SGD_SOLVERS_HPP_
#define CAFFE_SGD_SOLVERS_HPP_

#include <string>
#include <typeinfo>
#include <vector>

#include "caffe/solver.hpp"

namespace caffe {

/// Stochastic gradient descent with momentum, and the frame of the other solvers.
///
/// Per parameter w with gradient g and local rate r = rate * lr_mult:
///   g is divided by iter_size, then gets weight_decay * decay_mult * w (L2) or * sign(w) (L1);
///   h = momentum h + r g;  w -= h.
/// The gradients' common L2 norm is limited to clip_gradients beforehand. After an update the
/// parameter's diff holds what was subtracted.
///
/// The project's own solvers do all of this in one pass over the parameter. A class derived from
/// them that overrides Normalize, Regularize or ComputeUpdateValue gets these called one after the
/// other instead, each leaving its result in the diff.
template <typename Dtype>
class SGDSolver : public Solver<Dtype> {
 public:
  explicit SGDSolver(const SolverParameter& param) : Solver<Dtype>(param) { PreSolve(); }
  explicit SGDSolver(const string& param_file) : Solver<Dtype>(param_file) { PreSolve(); }
  virtual inline const char* type() const { return "SGD"; }

  /// One blob for each learnable parameter; AdaDelta and Adam append a second set.
  const vector<shared_ptr<Blob<Dtype>>>& history() { return history_; }

  virtual void ApplyUpdate();
  /// The rate of the present iteration (lr_policy).
  Dtype GetLearningRate();

 protected:
  void PreSolve();
  virtual void Normalize(int param_id);
  virtual void Regularize(int param_id);
  virtual void ComputeUpdateValue(int param_id, Dtype rate);
  virtual void ClipGradients();
  virtual void SnapshotSolverState(const string& model_filename);
  virtual void SnapshotSolverStateToBinaryProto(const string& model_filename);
  virtual void SnapshotSolverStateToHDF5(const string& model_filename);
  virtual void RestoreSolverStateFromHDF5(const string& state_file);
  virtual void RestoreSolverStateFromBinaryProto(const string& state_file);

  /// What one pass over a parameter does: only its rule (diff in, update out), or all from the raw
  /// gradient to the new value.
  enum Pass { RULE_ONLY, WHOLE_UPDATE };
  virtual void RunRule(int param_id, Dtype rate, Pass pass);
  /// Applies a rule of src/solver/update_rules.hpp.
  template <typename Rule>
  void Run(const Rule& rule, int param_id, Pass pass);
  /// The class that RunRule belongs to.
  virtual const std::type_info& rule_owner() const { return typeid(SGDSolver<Dtype>); }

  Dtype LocalRate(int param_id, Dtype rate) const {
    return rate * this->net_->params_lr()[param_id];
  }
  /// Gives every parameter a second history blob (at index + number of parameters).
  void AddSecondHistory();

  vector<shared_ptr<Blob<Dtype>>> history_;
  /// Scratch space for derived classes; the project's own solvers take no memory for it.
  vector<shared_ptr<Blob<Dtype>>> update_;
  vector<shared_ptr<Blob<Dtype>>> temp_;

 private:
  /// ClipGradients on the GPU, for which nobody waits.
  void ClipGradientsOnGpu();
  /// The sum of the squares of all gradients, there.
  Blob<double> gradient_squares_;
  DISABLE_COPY_AND_ASSIGN(SGDSolver);
};

/// What the adaptive solvers share with each other: constructors, name, and their rule.
#define CAFFE_DECLARE_SOLVER(classname, name)                                                 \
 public:                                                                                      \
  explicit classname(const SolverParameter& param) : SGDSolver<Dtype>(param) { SetUpRule(); } \
  explicit classname(const string& file) : SGDSolver<Dtype>(file) { SetUpRule(); }            \
  virtual inline const char* type() const { return name; }                                    \
                                                                                              \
 protected:                                                                                   \
  /** Checks the parameters (throws Error) and makes the history that the rule needs. */      \
  void SetUpRule();                                                                           \
  virtual void RunRule(int param_id, Dtype rate, typename SGDSolver<Dtype>::Pass pass);       \
  virtual const std::type_info& rule_owner() const { return typeid(classname<Dtype>); }       \
  DISABLE_COPY_AND_ASSIGN(classname)

/// Nesterov's accelerated gradient (1983) in the form of Sutskever et al., ICML 2013:
///   h' = momentum h + r g;  w -= (1 + momentum) h' - momentum h.
template <typename Dtype>
class NesterovSolver : public SGDSolver<Dtype> {
  CAFFE_DECLARE_SOLVER(NesterovSolver, "Nesterov");
};

/// Duchi et al., JMLR 2011: h += g^2;  w -= r g / (sqrt(h) + delta). No momentum.
template <typename Dtype>
class AdaGradSolver : public SGDSolver<Dtype> {
  CAFFE_DECLARE_SOLVER(AdaGradSolver, "AdaGrad");
};

/// Tieleman and Hinton, 2012: h = rms_decay h + (1 - rms_decay) g^2;  w -= r g / (sqrt(h) + delta).
/// No momentum.
template <typename Dtype>
class RMSPropSolver : public SGDSolver<Dtype> {
  CAFFE_DECLARE_SOLVER(RMSPropSolver, "RMSProp");
};

/// Zeiler, 2012, with m = momentum: h = m h + (1 - m) g^2;  u = g sqrt((d + delta) / (h + delta));
/// d = m d + (1 - m) u^2;  w -= r u.
template <typename Dtype>
class AdaDeltaSolver : public SGDSolver<Dtype> {
  CAFFE_DECLARE_SOLVER(AdaDeltaSolver, "AdaDelta");
};

/// Kingma and Ba, ICLR 2015, with b1 = momentum, b2 = momentum2, t = iteration + 1:
///   m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
///   w -= r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + delta).
template <typename Dtype>
class AdamSolver : public SGDSolver<Dtype> {
  CAFFE_DECLARE_SOLVER(AdamSolver, "Adam");
};

#undef CAFFE_DECLARE_SOLVER

}  // namespace caffe

#endif  // CAFFE_SGD_SOLVERS_HPP_
