// The caffe command: trains, tests, times and checks nets.

#include <algorithm>
#include <iomanip>
#include <map>
#include <memory>

#include "caffe/devices.hpp"
#include "caffe/net.hpp"
#include "caffe/net_table.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/solver.hpp"
#include "caffe/timing.hpp"
#include "caffe/trace.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/plugins.hpp"
#include "caffe/util/signal_handler.h"
#include "caffe/util/upgrade_proto.hpp"
#include "common/command_line.hpp"
#include "common/idle_threads.hpp"

namespace caffe {
namespace tools {
namespace {

/// The values of the flags, whichever commands take them.
struct Options {
  string solver;
  string model;
  string weights;
  string snapshot;
  string gpu;
  string phase;
  string stage;
  string precision;
  string trace;
  string sigint_effect = "stop";
  string sighup_effect = "snapshot";
  int level = 0;
  int iterations = 50;
  vector<string> plugins;

  vector<string> stages() const { return SplitNames(stage); }
};

/// The device of a command that runs one net.
void UseOneDevice(const Options& options) {
  const vector<int> gpus = AskedGpus(options.gpu);
  CHECK_LE(gpus.size(), 1u) << ": this command runs on one GPU";
  if (gpus.empty()) {
    LOG(INFO) << "Use CPU.";
  } else {
    LOG(INFO) << "Use GPU with device ID " << gpus[0];
  }
  UseDevice(gpus);
}

/// Puts what --precision says into a net's or a solver's parameters.
template <typename Parameters>
void SetPrecision(const Options& options, Parameters* param) {
  if (options.precision.empty()) return;
  caffe::Precision precision = FP32;
  if (!Precision_Parse(options.precision, &precision)) {
    LOG(FATAL) << "--precision=" << options.precision << ": use FP32, TF32 or BF16";
  }
  param->set_precision(precision);
}

/// The file of --trace, or null.
std::unique_ptr<Trace> MakeTrace(const Options& options) {
  return options.trace.empty() ? nullptr : std::make_unique<Trace>(options.trace);
}

void DeviceQuery(const Options& options) { QueryDevices(AskedGpus(options.gpu)); }

// ---- train ----

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

void Train(const Options& options) {
  const SolverParameter param = ReadSolver(options);
  const vector<int> gpus = UseTrainingDevices(options.gpu, param);
  SignalHandler signals(Effect("--sigint_effect", options.sigint_effect),
                        Effect("--sighup_effect", options.sighup_effect));
  const shared_ptr<Solver<float>> solver(SolverRegistry<float>::CreateSolver(param));
  solver->SetActionFunction(signals.GetActionFunction());
  if (!options.snapshot.empty()) {
    LOG(INFO) << "Resuming from " << options.snapshot;
    solver->Restore(options.snapshot.c_str());
  }
  const std::unique_ptr<Trace> trace = MakeTrace(options);
  if (trace) trace->Watch(solver.get());
  LOG(INFO) << "Starting Optimization";
  Solve(solver, gpus, options.snapshot);
  if (trace) trace->Finish();
  LOG(INFO) << "Optimization Done.";
}

// ---- nets of the other commands ----

caffe::Phase PhaseOf(const string& name) {
  if (name.empty() || name == "TRAIN") return caffe::TRAIN;
  if (name != "TEST") LOG(FATAL) << "--phase=" << name << ": use TRAIN or TEST";
  return caffe::TEST;
}

/// The net of --model, which keeps its blobs no longer than the command needs them (unless the file
/// says how long).
std::unique_ptr<Net<float>> ReadNet(const Options& options, caffe::Phase phase,
                                    NetParameter::BlobLifetime lifetime) {
  NetParameter param;
  ReadNetParamsFromTextFileOrDie(options.model, &param);
  param.mutable_state()->set_phase(phase);
  param.mutable_state()->set_level(options.level);
  for (const string& stage : options.stages()) param.mutable_state()->add_stage(stage);
  if (!param.has_blob_lifetime()) param.set_blob_lifetime(lifetime);
  SetPrecision(options, &param);
  return std::make_unique<Net<float>>(param);
}

void LoadWeights(const string& weights, Net<float>* net) {
  for (const string& file : SplitNames(weights)) net->CopyTrainedLayersFrom(file);
}

// ---- test ----

void Test(const Options& options) {
  UseOneDevice(options);
  const auto owner = ReadNet(options, caffe::TEST, NetParameter::UNTIL_READ);
  Net<float>& net = *owner;
  LoadWeights(options.weights, &net);
  LOG(INFO) << "Running for " << options.iterations << " iterations.";
  vector<string> names;
  vector<float> weights;
  for (const int blob : net.output_blob_indices()) {
    names.insert(names.end(), net.blobs()[blob]->count(), net.blob_names()[blob]);
    weights.insert(weights.end(), net.blobs()[blob]->count(), net.blob_loss_weights()[blob]);
  }
  vector<double> sums(names.size());
  double loss_sum = 0;
  for (int batch = 0; batch < options.iterations; ++batch) {
    float loss = 0;
    size_t index = 0;
    for (const Blob<float>* output : net.Forward(&loss)) {
      for (int k = 0; k < output->count() && index < sums.size(); ++k, ++index) {
        const float value = output->cpu_data()[k];
        sums[index] += value;
        LOG(INFO) << "Batch " << batch << ", " << names[index] << " = " << value;
      }
    }
    loss_sum += loss;
  }
  LOG(INFO) << "Loss: " << loss_sum / options.iterations;
  for (size_t i = 0; i < sums.size(); ++i) {
    const double mean = sums[i] / options.iterations;
    std::ostringstream weighted;
    if (weights[i] != 0) weighted << " (* " << weights[i] << " = " << weights[i] * mean << " loss)";
    LOG(INFO) << names[i] << " = " << mean << weighted.str();
  }
}

// ---- time ----

void Time(const Options& options) {
  UseOneDevice(options);
  const auto owner = ReadNet(options, PhaseOf(options.phase), NetParameter::UNTIL_BACKWARD);
  Net<float>& net = *owner;
  LoadWeights(options.weights, &net);
  // Once before the clock runs: memory is taken, kernels are chosen.
  LOG(INFO) << "Performing Forward";
  float loss = 0;
  net.Forward(&loss);
  LOG(INFO) << "Initial loss: " << loss;
  LOG(INFO) << "Performing Backward";
  net.Backward();

  const std::unique_ptr<Trace> trace = MakeTrace(options);
  if (trace) trace->Watch("net", &net);
  const int n = options.iterations;
  LOG(INFO) << "*** Benchmark begins ***";
  LOG(INFO) << "Testing for " << n << " iterations.";
  const LayerTimes times = TimeLayers(n, &net);
  LOG(INFO) << "Average time per layer: ";
  for (size_t i = 0; i < net.layers().size(); ++i) {
    const string& name = net.layer_names()[i];
    LOG(INFO) << std::setw(10) << name << "\tforward: " << times.forward[i] / n << " ms.";
    LOG(INFO) << std::setw(10) << name << "\tbackward: " << times.backward[i] / n << " ms.";
  }
  LOG(INFO) << "Average Forward pass: " << times.forward_pass / n << " ms.";
  LOG(INFO) << "Average Backward pass: " << times.backward_pass / n << " ms.";
  LOG(INFO) << "Average Forward-Backward: " << times.total / n << " ms.";
  LOG(INFO) << "Total Time: " << times.total << " ms.";
  LOG(INFO) << "*** Benchmark ends ***";
  if (trace) trace->Finish();
  PrintTimeTable(net, times, n, &std::cout);
}

// ---- check ----

void Check(const Options& options) {
  logging::set_min_severity(std::max(logging::min_severity(), logging::WARNING));
  const auto owner = ReadNet(options, PhaseOf(options.phase), NetParameter::KEEP);
  Net<float>& net = *owner;
  LoadWeights(options.weights, &net);
  PrintNetTable(net, &std::cout);
}

// ---- the command line ----

/// The commands and their flags.
class CommandLine {
 public:
  explicit CommandLine(CLI::App* app) : app_(app) {
    app->require_subcommand(1);
    app->set_version_flag("--version", "caffe version " AS_STRING(CAFFE_VERSION));
    app->add_option("--plugin", options_.plugins,
                    "Shared library with layers or solvers of your own (repeatable); also "
                    "CAFFE_PLUGINS=a.so:b.so")
        ->allow_extra_args(false);
    app->footer(
        "Examples:\n"
        "  caffe train --solver=solver.prototxt\n"
        "  caffe train --solver=solver.prototxt --snapshot=snap_iter_1000.solverstate\n"
        "  caffe test --model=net.prototxt --weights=snap_iter_2000.caffemodel --iterations=100\n"
        "  caffe time --model=net.prototxt --iterations=10\n"
        "`caffe COMMAND --help` tells the flags of a command. Flags may have one dash or two.");
    AddTrain();
    AddTest();
    AddTime();
    AddCheck();
    Gpu(Add("device_query", "Show what the GPUs (or the CPU build) offer", DeviceQuery,
            "caffe device_query --gpu=all"));
  }

  /// Runs the command that the arguments chose.
  void Run() const {
    LoadDefaultPlugins();
    for (const string& path : options_.plugins) LoadPlugin(path);
    commands_.at(app_->get_subcommands().front())(options_);
  }

 private:
  typedef void (*Command)(const Options&);

  CLI::App* Add(const string& name, const string& what, Command command, const string& example) {
    CLI::App* added = app_->add_subcommand(name, what);
    added->footer("Example:\n  " + example);
    added->fallthrough();
    commands_[added] = command;
    return added;
  }

  void AddTrain() {
    CLI::App* train = Add("train", "Train a net, from scratch, weights or a snapshot", Train,
                          "caffe train --solver=solver.prototxt --weights=vgg16.caffemodel");
    train->add_option("--solver", options_.solver, "Solver prototxt")->required();
    train->add_option("--snapshot", options_.snapshot,
                      "Go on from this .solverstate (or .solverstate.h5)");
    train->add_option(
        "--weights", options_.weights,
        "Start from these .caffemodel files (comma-separated), matched by layer name");
    Gpu(train);
    NetState(train);
    Precision(train);
    TraceFile(train);
    train
        ->add_option("--sigint_effect", options_.sigint_effect,
                     "On Ctrl-C: stop (after a snapshot), snapshot or none")
        ->capture_default_str();
    train
        ->add_option("--sighup_effect", options_.sighup_effect,
                     "When the terminal closes: stop, snapshot or none")
        ->capture_default_str();
  }

  void AddTest() {
    CLI::App* test = Add("test", "Run a net in the TEST phase and average its outputs", Test,
                         "caffe test --model=net.prototxt --weights=snap_iter_2000.caffemodel");
    ModelAndWeights(test, true);
    Iterations(test, "Batches to run");
    Gpu(test);
    NetState(test);
    Precision(test);
  }

  void AddTime() {
    CLI::App* time = Add("time", "Time each layer's forward and backward pass", Time,
                         "caffe time --model=net.prototxt --phase=TEST --iterations=10");
    ModelAndWeights(time, false);
    Iterations(time, "Passes to average over");
    time->add_option("--phase", options_.phase, "TRAIN (the default) or TEST");
    Gpu(time);
    NetState(time);
    Precision(time);
    TraceFile(time);
  }

  void AddCheck() {
    CLI::App* check = Add("check", "Build a net without running it and list its layers", Check,
                          "caffe check --model=net.prototxt --weights=vgg16.caffemodel");
    ModelAndWeights(check, false);
    check->add_option("--phase", options_.phase, "TRAIN (the default) or TEST");
    NetState(check);
  }

  void ModelAndWeights(CLI::App* command, bool weights_required) {
    command->add_option("--model", options_.model, "Net prototxt")->required();
    command
        ->add_option("--weights", options_.weights,
                     "The .caffemodel files (comma-separated), matched by layer name")
        ->required(weights_required);
  }

  void Iterations(CLI::App* command, const string& what) {
    command->add_option("--iterations", options_.iterations, what)
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
  }

  void Gpu(CLI::App* command) {
    command->add_option("--gpu", options_.gpu, "GPU number(s), e.g. 0 or 0,1, or all");
  }

  void Precision(CLI::App* command) {
    command->add_option("--precision", options_.precision,
                        "Numbers to multiply: FP32 (the default), BF16 or, on a GPU, TF32");
  }

  void TraceFile(CLI::App* command) {
    command->add_option("--trace", options_.trace,
                        "Write when each layer ran to this JSON file, for chrome://tracing or "
                        "ui.perfetto.dev");
  }

  void NetState(CLI::App* command) {
    command->add_option("--level", options_.level, "Level of the net state (min_level, max_level)");
    command->add_option("--stage", options_.stage,
                        "Stages of the net state, comma-separated (stage, not_stage)");
  }

  CLI::App* app_;
  Options options_;
  map<const CLI::App*, Command> commands_;
};

}  // namespace
}  // namespace tools
}  // namespace caffe

int main(int argc, char** argv) {
  caffe::tools::LetIdleThreadsSleep(argv);
  return caffe::tools::Run([&] {
    CLI::App app("Train, test and time neural nets described in prototxt files", "caffe");
    caffe::tools::CommandLine commands(&app);
    if (argc == 1) {
      std::cerr << app.help();
      return 1;
    }
    caffe::tools::ParseArguments(&app, argc, argv);
    commands.Run();
    return 0;
  });
}
