// caffe train.

#include <memory>

#include "caffe/commands.hpp"
#include "caffe/devices.hpp"
#include "caffe/solver.hpp"
#include "caffe/util/signal_handler.h"
#include "caffe/util/upgrade_proto.hpp"
#include "caffe/whole_iteration.hpp"

namespace caffe {
namespace tools {

namespace {

SolverAction::Enum Effect(const string& flag, const string& value) {
  if (value == "stop") return SolverAction::STOP;
  if (value == "snapshot") return SolverAction::SNAPSHOT;
  if (value != "none") LOG(FATAL) << flag << "=" << value << ": use stop, snapshot or none";
  return SolverAction::NONE;
}

SolverParameter ReadSolver(const Options& options) {
  SolverParameter param;
  ReadSolverParamsFromTextFileOrDie(options.solver, &param);
  param.mutable_train_state()->set_level(options.level);
  for (const string& stage : options.stages()) param.mutable_train_state()->add_stage(stage);
  if (!options.snapshot.empty() && !options.weights.empty()) {
    LOG(FATAL)
        << "give --snapshot to go on with a training, or --weights to start from a model, not both";
  }
  if (!options.snapshot.empty() || !options.weights.empty()) param.clear_weights();
  if (!options.weights.empty()) param.add_weights(options.weights);
  // Nobody looks at the blobs of a training that this command runs.
  if (!param.has_release_blobs()) param.set_release_blobs(true);
  SetPrecision(options, &param);
  return param;
}

}  // namespace

void Train(const Options& options) {
  const SolverParameter param = ReadSolver(options);
  const vector<int> gpus = UseTrainingDevices(options.gpu, param);
  SignalHandler signals(Effect("--sigint_effect", options.sigint_effect),
                        Effect("--sighup_effect", options.sighup_effect));
  const shared_ptr<Solver<float>> solver(
      SolverRegistry<float>::CreateSolver(param, options.solver));
  solver->SetActionFunction(signals.GetActionFunction());
  if (!options.snapshot.empty()) {
    LOG(INFO) << "Resuming from " << options.snapshot;
    solver->Restore(options.snapshot.c_str());
  }
  const std::unique_ptr<Trace> trace = MakeTrace(options);
  if (trace) trace->Watch(solver.get());
  WholeIteration whole(solver.get());
  LOG(INFO) << "Starting Optimization";
  try {
    Solve(solver, gpus, options.snapshot);
  } catch (...) {
    whole.SnapshotAfterError();
    throw;
  }
  if (trace) trace->Finish();
  LOG(INFO) << "Optimization Done.";
}

}  // namespace tools
}  // namespace caffe
