#ifndef CAFFE_SOLVER_HPP_
#define CAFFE_SOLVER_HPP_

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

// Not needed here: code written for Caffe 1.0 finds boost::function through this header.
#include <boost/function.hpp>

#include "caffe/net.hpp"
#include "caffe/solver_factory.hpp"
#include "caffe/util/benchmark.hpp"

namespace caffe {

template <typename Dtype>
class QueuedLoss;

/// What the world outside (a signal, a user interface) may ask of a running solver.
namespace SolverAction {
enum Enum {
  NONE = 0,     // go on
  STOP = 1,     // stop after this iteration; a snapshot is taken where snapshot_after_train says so
  SNAPSHOT = 2  // take a snapshot, then go on
};
}  // namespace SolverAction

/// Asked after every iteration and every batch of a test.
typedef std::function<SolverAction::Enum()> ActionCallback;

/// Trains a net: repeats forward, backward and update, tests now and then, and takes snapshots.
///
/// A derived class computes the update. Everything that decides the next iteration is part of a
/// snapshot (parameters, history, random generator, the data layers' places), so that a restored
/// solver goes on to the same bits as one that was never stopped.
template <typename Dtype>
class Solver {
 public:
  /// Builds the train net and the test nets. Throws Error where the files or fields do not fit.
  explicit Solver(const SolverParameter& param);
  /// Reads (and upgrades) a solver prototxt.
  explicit Solver(const string& param_file);
  virtual ~Solver() = default;

  void Init(const SolverParameter& param);
  void InitTrainNet();
  void InitTestNets();

  void SetActionFunction(ActionCallback func) { action_request_function_ = std::move(func); }
  SolverAction::Enum GetRequestedAction();

  /// Trains until max_iter, after restoring a .solverstate if one is given.
  virtual void Solve(const char* resume_file = NULL);
  void Solve(const string& resume_file) { Solve(resume_file.c_str()); }
  /// Runs `iters` iterations (fewer when asked to stop).
  void Step(int iters);

  /// Restores parameters and state from a .solverstate (or .solverstate.h5) and the model it names.
  /// The next Step goes on where the snapshot was taken, whatever batches the program has its nets
  /// read in between.
  void Restore(const char* resume_file);
  /// Writes <prefix>_iter_N.caffemodel and .solverstate, in the format of snapshot_format. A reader
  /// finds a file either whole or not at all.
  void Snapshot();
  /// Throws Error unless files can be written where snapshots will go.
  void CheckSnapshotWritePermissions();

  const SolverParameter& param() const { return param_; }
  /// Changes settings of a solver that has its nets; they are read anew in every iteration. Throws
  /// Error, and changes nothing, where they cannot be used.
  void set_param(const SolverParameter& param);
  /// The file that the parameters were read from, for what errors say; empty where none is known.
  const string& param_file() const { return param_file_; }
  void set_param_file(const string& file) { param_file_ = file; }
  shared_ptr<Net<Dtype>> net() { return net_; }
  const vector<shared_ptr<Net<Dtype>>>& test_nets() { return test_nets_; }
  int iter() const { return iter_; }

  /// Called around the computation of the gradients; parallel training hooks in here.
  class Callback {
   public:
    virtual ~Callback() = default;

   protected:
    virtual void on_start() = 0;
    virtual void on_gradients_ready() = 0;
    /// Before a snapshot: throws where what the solver has is not to be kept.
    virtual void on_snapshot() {}

    template <typename T>
    friend class Solver;
  };
  const vector<Callback*>& callbacks() const { return callbacks_; }
  void add_callback(Callback* value) { callbacks_.push_back(value); }
  void remove_callback(Callback* value) {
    callbacks_.erase(std::remove(callbacks_.begin(), callbacks_.end(), value), callbacks_.end());
  }

  /// The name the solver is registered under.
  virtual inline const char* type() const { return ""; }

  /// Turns the gradients into an update and applies it.
  virtual void ApplyUpdate() = 0;

 protected:
  /// <prefix>_iter_N<extension>.
  string SnapshotFilename(const string& extension);
  /// Write the model; return the name of its file.
  string SnapshotToBinaryProto();
  string SnapshotToHDF5();
  virtual void SnapshotSolverState(const string& model_filename) = 0;
  virtual void RestoreSolverStateFromHDF5(const string& state_file) = 0;
  virtual void RestoreSolverStateFromBinaryProto(const string& state_file) = 0;

  /// Puts what every solver has into a state (all but the history); model_filename names the model.
  void SaveState(const string& model_filename, SolverState* state);
  /// The counterpart; loads the model, too. state_file is where a model named without its folder is
  /// also looked for. Where it throws, solver and nets stay as they were.
  void LoadState(const SolverState& state, const string& state_file);

  /// Runs an action that reads the parameters; an Error leaves it with their file in front.
  template <typename Action>
  auto InParamFile(const Action& action) const -> decltype(action());

  void TestAll();
  void Test(const int test_net_id = 0);
  /// Makes smoothed_loss_ the mean over the last average_loss iterations; start_iter is not needed.
  void UpdateSmoothedLoss(Dtype loss, int start_iter, int average_loss);

  SolverParameter param_;
  int iter_ = 0;
  /// Steps of the learning rate done (policies step and multistep).
  int current_step_ = 0;
  shared_ptr<Net<Dtype>> net_;
  vector<shared_ptr<Net<Dtype>>> test_nets_;
  vector<Callback*> callbacks_;
  /// Losses of the last iterations, oldest first; without those that are still on the GPU.
  vector<Dtype> losses_;
  Dtype smoothed_loss_ = 0;
  ActionCallback action_request_function_;
  /// Set when a stop was asked for.
  bool requested_early_exit_ = false;

  // Time since the last displayed iteration.
  Timer iteration_timer_;
  float iterations_last_ = 0;

 private:
  /// Forward and backward of one iteration; notes its loss.
  void AccumulateGradients();
  Dtype ForwardBackwardScaled();
  void SetLossDiffs(Dtype factor);
  /// Makes losses_ and smoothed_loss_ those of all iterations so far.
  void CollectLosses();
  void DisplayIteration();
  void ReportFinalLoss();
  /// Asks for a stop or a snapshot in the middle of a test; true: stop.
  bool StopRequestedInTest();
  void LoadPretrainedWeights(Net<Dtype>* net);
  /// The states of the layers of all nets.
  void SaveLayers(SolverState* state) const;
  void RestoreLayers(const SolverState& state);
  /// The same after an error: fails for no layer.
  void PutBackLayers(const SolverState& before);
  /// Gives the layers the states of the snapshot that was restored last, once.
  void ReturnToSnapshot();

  string param_file_;
  /// A snapshot asked for during a test, to be taken after it.
  bool snapshot_pending_ = false;
  /// The layers' states of a snapshot from which no Step has gone on yet.
  SolverState restored_layers_;
  /// In GPU mode: losses that nobody has read yet.
  shared_ptr<QueuedLoss<Dtype>> queued_losses_;

  DISABLE_COPY_AND_ASSIGN(Solver);
};

}  // namespace caffe

#endif  // CAFFE_SOLVER_HPP_
