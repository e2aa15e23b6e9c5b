// caffe test, time and check.

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>

#include "caffe/commands.hpp"
#include "caffe/devices.hpp"
#include "caffe/net.hpp"
#include "caffe/net_table.hpp"
#include "caffe/timing.hpp"
#include "caffe/util/format.hpp"
#include "caffe/util/output_sums.hpp"
#include "caffe/util/peak_rates.hpp"
#include "caffe/util/upgrade_proto.hpp"

namespace caffe {
namespace tools {

namespace {

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

}  // namespace

void Test(const Options& options) {
  UseOneDevice(options);
  const auto owner = ReadNet(options, caffe::TEST, NetParameter::UNTIL_READ);
  Net<float>& net = *owner;
  LoadWeights(options.weights, &net);
  LOG(INFO) << "Running for " << options.iterations << " iterations.";
  const vector<int>& blobs = net.output_blob_indices();
  OutputSums<float> sums;
  for (int batch = 0; batch < options.iterations; ++batch) {
    float loss = 0;
    const vector<Blob<float>*>& outputs = net.Forward(&loss);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const float* values = outputs[i]->cpu_data();
      for (int k = 0; k < outputs[i]->count(); ++k) {
        LOG(INFO) << "Batch " << batch << ", " << net.blob_names()[blobs[i]] << " = " << values[k];
      }
    }
    sums.Add(outputs, loss);
  }
  LOG(INFO) << "Loss: " << sums.mean_loss();
  sums.ForEachMean([&](size_t output, double mean) {
    const int blob = blobs[output];
    LOG(INFO) << OutputText(net.blob_names()[blob], mean, net.blob_loss_weights()[blob]);
  });
}

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
  const size_t device_memory = PeakDeviceMemory();
  PrintTimeTable(net, times, n, &std::cout);
  if (device_memory > 0) {
    std::cout << "GPU memory: " << (device_memory >> 20)
              << " MiB at most, without what CUDA and its libraries take\n";
  }
}

void Check(const Options& options) {
  logging::set_min_severity(std::max(logging::min_severity(), logging::WARNING));
  const auto owner = ReadNet(options, PhaseOf(options.phase), NetParameter::KEEP);
  Net<float>& net = *owner;
  CHECK(!net.layers().empty()) << options.model << ": has no layers in this phase";
  LoadWeights(options.weights, &net);
  PrintNetTable(net, &std::cout);
}

}  // namespace tools
}  // namespace caffe
