// The caffe command: its commands and their flags.

#include <climits>
#include <iostream>
#include <map>

#include "caffe/commands.hpp"
#include "caffe/devices.hpp"
#include "common/command_line.hpp"
#include "common/idle_threads.hpp"

namespace caffe {
namespace tools {
namespace {

void DeviceQuery(const Options& options) { QueryDevices(options.gpu); }

/// The commands and their flags.
class CommandLine {
 public:
  explicit CommandLine(CLI::App* app) : app_(app) {
    app->require_subcommand(1);
    app->set_version_flag("--version", "caffe version " AS_STRING(CAFFE_VERSION));
    AddPluginOption(app, &options_.plugins);
    app->footer(
        "Examples:\n"
        "  caffe train --solver=solver.prototxt\n"
        "  caffe train --solver=solver.prototxt --snapshot=snap_iter_1000.solverstate\n"
        "  caffe test --model=net.prototxt --weights=vgg16.caffemodel --iterations=100\n"
        "  caffe time --model=net.prototxt --iterations=10\n"
        "`caffe COMMAND --help` lists the flags of a command. Flags may have one dash or\n"
        "two.");
    AddTrain();
    AddTest();
    AddTime();
    AddCheck();
    Gpu(Add("device_query", "Show what the GPUs offer, or that there is none", DeviceQuery,
            "caffe device_query --gpu=all"));
  }

  /// Runs the command that the arguments chose.
  void Run() const {
    LoadPlugins(options_.plugins);
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
                      "Continue from this .solverstate (or .solverstate.h5)");
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
        ->check(CLI::Range(1, INT_MAX).description("above 0"));
  }

  void Gpu(CLI::App* command) {
    command->add_option("--gpu", options_.gpu, "GPU number(s), e.g. 0 or 0,1, or all");
  }

  void Precision(CLI::App* command) {
    command->add_option("--precision", options_.precision,
                        "Numbers to multiply: FP32 (the default), BF16 or, on a GPU, TF32 or FP16");
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
      caffe::tools::PrepareHelp(&app);
      std::cerr << app.help();
      return 1;
    }
    caffe::tools::ParseArguments(&app, argc, argv);
    commands.Run();
    return 0;
  });
}
