#include "caffe/sgd_solvers.hpp"
#include "solver/learning_rate.hpp"
#include "solver/param_file.hpp"
#include "solver/run_rule.hpp"

namespace caffe {

namespace {

// Adds a history of zeros for each parameter. On the GPU their memory is taken now: in what the
// first pass frees, they would leave gaps too small for large blobs.
template <typename Dtype>
void AddHistory(const Net<Dtype>& net, vector<shared_ptr<Blob<Dtype>>>* history) {
  for (size_t i = 0; i < net.learnable_params().size(); ++i) {
    history->emplace_back(new Blob<Dtype>(net.learnable_params()[i]->shape()));
#ifndef CPU_ONLY
    if (Caffe::mode() == Caffe::GPU && net.params_lr()[i] != 0) history->back()->mutable_gpu_data();
#endif
  }
}

// The name of the layer that a parameter is of.
template <typename Dtype>
string LayerOf(const Net<Dtype>& net, const Blob<Dtype>& param) {
  for (size_t i = 0; i < net.layers().size(); ++i) {
    for (const auto& blob : net.layers()[i]->blobs()) {
      if (blob.get() == &param) return net.layer_names()[i];
    }
  }
  return "";
}

// A rule runs over as many values of the history as the parameter has.
template <typename Dtype>
void CheckSize(const Net<Dtype>& net, int param_id, const Blob<Dtype>& history) {
  const Blob<Dtype>& param = *net.learnable_params()[param_id];
  if (param.count() == history.count()) return;
  LOG(FATAL) << "layer '" + LayerOf(net, param) + "': a parameter has shape " +
                    param.shape_string() + ", and had " + history.shape_string() +
                    " when its solver was made: make a new solver";
}

}  // namespace

template <typename Dtype>
void SGDSolver<Dtype>::PreSolve() {
  AddHistory(*this->net_, &history_);
  for (const Blob<Dtype>* param : this->net_->learnable_params()) {
    for (auto* blobs : {&update_, &temp_}) blobs->emplace_back(new Blob<Dtype>(param->shape()));
  }
}

template <typename Dtype>
void SGDSolver<Dtype>::AddSecondHistory() {
  AddHistory(*this->net_, &history_);
}

template <typename Dtype>
Dtype SGDSolver<Dtype>::GetLearningRate() {
  const int step_before = this->current_step_;
  const double rate = this->InParamFile(
      [&] { return LearningRate(this->param_, this->iter_, &this->current_step_); });
  if (this->param_.lr_policy() == "multistep" && this->current_step_ != step_before) {
    LOG_IF(INFO, Caffe::root_solver())
        << "MultiStep Status: Iteration " << this->iter_ << ", step = " << this->current_step_;
  }
  return static_cast<Dtype>(rate);
}

template <typename Dtype>
void SGDSolver<Dtype>::ApplyUpdate() {
  const Dtype rate = GetLearningRate();
  const int display = this->param_.display();
  if (Caffe::root_solver() && display > 0 && this->iter_ % display == 0) {
    LOG(INFO) << "Iteration " << this->iter_ << ", lr = " << rate;
  }
  ClipGradients();
  const int params = static_cast<int>(this->net_->learnable_params().size());
  // A derived class may have overridden one of the steps; debug_info shows diff and data between
  // them.
  const bool in_one_pass = typeid(*this) == rule_owner() && !this->param_.debug_info();
  for (int id = 0; id < params; ++id) {
    // A frozen parameter stays as it is, and needs no history.
    if (in_one_pass && this->net_->params_lr()[id] == 0) continue;
    CheckSize(*this->net_, id, *history_[id]);
    if (in_one_pass) {
      RunRule(id, rate, WHOLE_UPDATE);
      continue;
    }
    Normalize(id);
    Regularize(id);
    ComputeUpdateValue(id, rate);
  }
  if (!in_one_pass) this->net_->Update();
}

namespace {

// Of norms that loss_scale multiplies.
template <typename Dtype>
void LogClipping(Dtype norm, Dtype limit, Dtype loss_scale) {
  LOG_IF(INFO, Caffe::root_solver())
      << "Gradient clipping: scaling down gradients (L2 norm " << norm / loss_scale << " > "
      << limit / loss_scale << ") by scale factor " << limit / norm;
}

}  // namespace

template <typename Dtype>
void SGDSolver<Dtype>::ClipGradients() {
  if (this->param_.clip_gradients() < 0) return;
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) return ClipGradientsOnGpu();
#endif
  // Of the gradients as they are.
  const Dtype limit = this->param_.clip_gradients() * this->param_.loss_scale();
  const vector<Blob<Dtype>*>& params = this->net_->learnable_params();
  Dtype squares = 0;
  for (const Blob<Dtype>* param : params) squares += param->sumsq_diff();
  const Dtype norm = std::sqrt(squares);
  if (!(norm > limit)) return;
  LogClipping<Dtype>(norm, limit, this->param_.loss_scale());
  for (Blob<Dtype>* param : params) param->scale_diff(limit / norm);
}

#ifndef CPU_ONLY

template <typename Dtype>
void SGDSolver<Dtype>::ClipGradientsOnGpu() {
  const Dtype limit = this->param_.clip_gradients() * this->param_.loss_scale();
  const vector<Blob<Dtype>*>& params = this->net_->learnable_params();
  gradient_squares_.Reshape(vector<int>{1});
  double* squares = gradient_squares_.mutable_gpu_data();
  for (size_t i = 0; i < params.size(); ++i) {
    AddSquaresOnGpu(params[i]->count(), params[i]->gpu_diff(), i > 0, squares);
  }
  for (Blob<Dtype>* param : params) {
    ClipToNormOnGpu(param->count(), squares, limit, param->mutable_gpu_diff());
  }
  // The host waits in the iterations that are displayed, and knows the norm of those alone.
  const int display = this->param_.display();
  if (display <= 0 || this->iter_ % display != 0) return;
  const Dtype norm = static_cast<Dtype>(std::sqrt(*gradient_squares_.cpu_data()));
  if (norm > limit) LogClipping<Dtype>(norm, limit, this->param_.loss_scale());
}

#endif

template <typename Dtype>
Gradient<Dtype> WeightDecay(const SolverParameter& param, float decay_mult) {
  Gradient<Dtype> gradient;
  const Dtype decay = param.weight_decay() * static_cast<Dtype>(decay_mult);
  if (param.regularization_type() == "L2") {
    gradient.l2 = decay;
  } else if (param.regularization_type() == "L1") {
    gradient.l1 = decay;
  } else {
    LOG(FATAL) << "unknown regularization_type '" << param.regularization_type()
               << "': use L2 or L1";
  }
  return gradient;
}
template Gradient<float> WeightDecay(const SolverParameter&, float);
template Gradient<double> WeightDecay(const SolverParameter&, float);

template <typename Dtype>
void SGDSolver<Dtype>::Normalize(int param_id) {
  const Dtype scale = GradientScale(this->param_);
  if (scale == Dtype(1)) return;
  this->net_->learnable_params()[param_id]->scale_diff(scale);
}

template <typename Dtype>
void SGDSolver<Dtype>::Regularize(int param_id) {
  const Gradient<Dtype> decay = this->InParamFile([&] {
    return WeightDecay<Dtype>(this->param_, this->net_->params_weight_decay()[param_id]);
  });
  ApplyRule(GradientRule<Dtype>(), decay, false, this->net_->learnable_params()[param_id]);
}

template <typename Dtype>
void SGDSolver<Dtype>::ComputeUpdateValue(int param_id, Dtype rate) {
  RunRule(param_id, rate, RULE_ONLY);
}

template <typename Dtype>
void SGDSolver<Dtype>::RunRule(int param_id, Dtype rate, Pass pass) {
  const Dtype momentum = this->param_.momentum();
  Run(SGDRule<Dtype>{LocalRate(param_id, rate), momentum}, param_id, pass);
}

INSTANTIATE_CLASS(SGDSolver);
REGISTER_SOLVER_CLASS(SGD);

}  // namespace caffe
