#include "caffe/solver.hpp"

#include <algorithm>
#include <climits>
#include <numeric>

#include "caffe/util/format.hpp"
#include "caffe/util/output_sums.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "core/queued_loss.hpp"
#include "solver/keep_random_state.hpp"
#include "solver/layer_states.hpp"
#include "solver/param_file.hpp"

namespace caffe {

namespace {

bool IsDue(int iter, int interval) { return interval > 0 && iter % interval == 0; }

}  // namespace

template <typename Dtype>
Solver<Dtype>::Solver(const SolverParameter& param) {
  Init(param);
}

template <typename Dtype>
Solver<Dtype>::Solver(const string& param_file) : param_file_(param_file) {
  SolverParameter param;
  ReadSolverParamsFromTextFileOrDie(param_file, &param);
  Init(param);
}

template <typename Dtype>
SolverAction::Enum Solver<Dtype>::GetRequestedAction() {
  return action_request_function_ ? action_request_function_() : SolverAction::NONE;
}

template <typename Dtype>
void Solver<Dtype>::Solve(const char* resume_file) {
  InParamFile([&] { CHECK(param_.has_max_iter()) << "max_iter is missing"; });
  if (param_.snapshot_after_train()) CheckSnapshotWritePermissions();
  LOG_IF(INFO, Caffe::root_solver()) << "Solving " << net_->name();
  LOG_IF(INFO, Caffe::root_solver()) << "Learning Rate Policy: " << param_.lr_policy();
  if (resume_file) {
    LOG_IF(INFO, Caffe::root_solver()) << "Restoring previous solver status from " << resume_file;
    Restore(resume_file);
  }
  Step(std::max(0, param_.max_iter() - iter_));
  const bool just_written = IsDue(iter_, param_.snapshot());
  if (param_.snapshot_after_train() && !just_written && Caffe::root_solver()) Snapshot();
  if (requested_early_exit_) {
    LOG_IF(INFO, Caffe::root_solver()) << "Optimization stopped early.";
    return;
  }
  if (IsDue(iter_, param_.display())) ReportFinalLoss();
  if (IsDue(iter_, param_.test_interval())) TestAll();
  LOG_IF(INFO, Caffe::root_solver()) << "Optimization Done.";
}

template <typename Dtype>
void Solver<Dtype>::Step(int iters) {
  ReturnToSnapshot();
  requested_early_exit_ = false;
  iterations_last_ = iter_;
  iteration_timer_.Start();
  for (; iters > 0; --iters) {
    CHECK_LT(iter_, INT_MAX)
        << ": no solver counts more iterations; train a new one from the weights";
    if (IsDue(iter_, param_.test_interval()) && (iter_ > 0 || param_.test_initialization())) {
      if (Caffe::root_solver()) TestAll();
      if (requested_early_exit_) break;
    }
    for (Callback* callback : callbacks_) callback->on_start();
    const bool display = IsDue(iter_, param_.display());
    net_->set_debug_info(display && param_.debug_info());
    AccumulateGradients();
    if (display) DisplayIteration();
    for (Callback* callback : callbacks_) callback->on_gradients_ready();
    ApplyUpdate();
    ++iter_;

    const SolverAction::Enum request = GetRequestedAction();
    const bool snapshot = IsDue(iter_, param_.snapshot()) || request == SolverAction::SNAPSHOT;
    if (snapshot && Caffe::root_solver()) Snapshot();
    if (request == SolverAction::STOP) {
      requested_early_exit_ = true;
      break;
    }
  }
}

template <typename Dtype>
void Solver<Dtype>::AccumulateGradients() {
  net_->ClearParamDiffs();
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    if (!queued_losses_) {
      queued_losses_.reset(new QueuedLoss<Dtype>(std::max(1, param_.average_loss())));
    }
    const typename QueuedLoss<Dtype>::Collector collector(queued_losses_.get());
    queued_losses_->Begin();
    for (int i = 0; i < param_.iter_size(); ++i) ForwardBackwardScaled();
    return;
  }
#endif
  Dtype loss = 0;
  for (int i = 0; i < param_.iter_size(); ++i) loss += ForwardBackwardScaled();
  UpdateSmoothedLoss(loss / param_.iter_size(), 0, param_.average_loss());
}

template <typename Dtype>
Dtype Solver<Dtype>::ForwardBackwardScaled() {
  if (param_.loss_scale() == 1) return net_->ForwardBackward();
  try {
    const Dtype loss = net_->ForwardBackwardAround([this] { SetLossDiffs(param_.loss_scale()); });
    SetLossDiffs(1);
    return loss;
  } catch (...) {
    // Forward reads the weights of losses in their diffs.
    SetLossDiffs(1);
    throw;
  }
}

template <typename Dtype>
void Solver<Dtype>::SetLossDiffs(Dtype factor) {
  for (size_t i = 0; i < net_->layers().size(); ++i) {
    const vector<Blob<Dtype>*>& tops = net_->top_vecs()[i];
    for (size_t t = 0; t < tops.size(); ++t) {
      const Dtype weight = net_->layers()[i]->loss(static_cast<int>(t));
      if (weight == Dtype(0)) continue;
      caffe_set(tops[t]->count(), factor * weight, tops[t]->mutable_cpu_diff());
    }
  }
}

template <typename Dtype>
void Solver<Dtype>::CollectLosses() {
#ifndef CPU_ONLY
  if (!queued_losses_) return;
  for (const Dtype loss : queued_losses_->Take()) {
    UpdateSmoothedLoss(loss / param_.iter_size(), 0, param_.average_loss());
  }
#endif
}

template <typename Dtype>
void Solver<Dtype>::UpdateSmoothedLoss(Dtype loss, int start_iter, int average_loss) {
  losses_.push_back(loss);
  const size_t kept = std::max(1, average_loss);
  if (losses_.size() > kept) losses_.erase(losses_.begin(), losses_.end() - kept);
  smoothed_loss_ = std::accumulate(losses_.begin(), losses_.end(), 0.0) / losses_.size();
}

// ---- what is shown ----

namespace {

/// E.g. "    Train net output #0: loss = 0.5 (* 2 = 1 loss)".
void LogOutput(const char* net, int index, const string& name, double value, double loss_weight) {
  LOG(INFO) << "    " << net << " net output #" << index << ": "
            << OutputText(name, value, loss_weight);
}

}  // namespace

template <typename Dtype>
void Solver<Dtype>::DisplayIteration() {
  CollectLosses();
  const float seconds = iteration_timer_.Seconds();
  const float iterations = iter_ - iterations_last_;
  iterations_last_ = iter_;
  iteration_timer_.Start();
  if (!Caffe::root_solver()) return;
  LOG(INFO) << "Iteration " << iter_ << " (" << iterations / (seconds > 0 ? seconds : 1)
            << " iter/s, " << seconds << "s/" << param_.display()
            << " iters), loss = " << smoothed_loss_;
  const vector<int>& outputs = net_->output_blob_indices();
  int index = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Blob<Dtype>& blob = *net_->output_blobs()[i];
    const Dtype* values = blob.cpu_data();
    for (int k = 0; k < blob.count(); ++k) {
      LogOutput("Train", index++, net_->blob_names()[outputs[i]], values[k],
                net_->blob_loss_weights()[outputs[i]]);
    }
  }
}

template <typename Dtype>
void Solver<Dtype>::ReportFinalLoss() {
  // The loss of the parameters as they are now, which no iteration has computed.
  Dtype loss = 0;
  net_->Forward(&loss);
  CollectLosses();
  UpdateSmoothedLoss(loss, 0, param_.average_loss());
  LOG_IF(INFO, Caffe::root_solver()) << "Iteration " << iter_ << ", loss = " << smoothed_loss_;
}

// ---- tests ----

template <typename Dtype>
bool Solver<Dtype>::StopRequestedInTest() {
  switch (GetRequestedAction()) {
    case SolverAction::SNAPSHOT:
      snapshot_pending_ = true;
      return false;
    case SolverAction::STOP:
      requested_early_exit_ = true;
      return true;
    default:
      return false;
  }
}

template <typename Dtype>
void Solver<Dtype>::TestAll() {
  const int nets = static_cast<int>(test_nets_.size());
  {
    const KeepRandomState keep;
    SolverState before;
    for (int i = 0; i < nets; ++i) SaveLayerStates(*test_nets_[i], i, &before);
    // Who goes on, or restores, repeats an interrupted test from its beginning.
    try {
      for (int i = 0; i < nets && !requested_early_exit_; ++i) Test(i);
    } catch (...) {
      PutBackLayers(before);
      throw;
    }
    if (requested_early_exit_) RestoreLayers(before);
  }
  if (snapshot_pending_) Snapshot();
  snapshot_pending_ = false;
}

template <typename Dtype>
void Solver<Dtype>::Test(const int test_net_id) {
  LOG_IF(INFO, Caffe::root_solver())
      << "Iteration " << iter_ << ", Testing net (#" << test_net_id << ")";
  Net<Dtype>& net = *test_nets_[test_net_id];
  net.ShareTrainedLayersWith(net_.get());
  const int batches = param_.test_iter(test_net_id);
  if (batches == 0) return;  // a test net that is made and never run
  OutputSums<Dtype> sums;
  for (int batch = 0; batch < batches; ++batch) {
    if (StopRequestedInTest()) {
      LOG(INFO) << "Test interrupted.";
      return;
    }
    Dtype loss = 0;
    const vector<Blob<Dtype>*>& outputs = net.Forward(&loss);
    sums.Add(outputs, loss);
  }
  if (param_.test_compute_loss()) LOG(INFO) << "Test loss: " << sums.mean_loss();
  int index = 0;
  sums.ForEachMean([&](size_t output, double mean) {
    const int blob = net.output_blob_indices()[output];
    LogOutput("Test", index++, net.blob_names()[blob], mean, net.blob_loss_weights()[blob]);
  });
}

INSTANTIATE_CLASS(Solver);

}  // namespace caffe
