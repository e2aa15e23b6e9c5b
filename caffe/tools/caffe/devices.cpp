#include "caffe/devices.hpp"

#include <algorithm>

#include "caffe/parallel.hpp"
#include "caffe/util/list_file.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/parallel_for.hpp"
#include "caffe/util/plain_text.hpp"

namespace caffe {
namespace tools {

#ifndef CPU_ONLY
namespace {

// " (why)" there is no such GPU; nothing where nobody tells, as of one that others have for them.
string Reason(int gpu) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  cudaGetLastError();
  PlainText reason;
  if (status != cudaSuccess || count == 0) {
    reason << " (" << cudaGetErrorString(status == cudaSuccess ? cudaErrorNoDevice : status) << ")";
  } else if (gpu >= count) {
    reason << " (the last is GPU " << count - 1 << ")";
  }
  return reason.str();
}

string NoSuchGpu(int gpu) {
  PlainText text;
  text << "GPU " << gpu << " does not exist or is not usable" << Reason(gpu);
  return text.str();
}

vector<int> UsableGpus() {
  vector<int> gpus;
  for (int id = 0; Caffe::CheckDevice(id); ++id) gpus.push_back(id);
  return gpus;
}

}  // namespace
#endif

vector<int> AskedGpus(const string& flag) {
  vector<int> gpus;
#ifdef CPU_ONLY
  if (!flag.empty()) {
    LOG(FATAL) << "--gpu=" << flag
               << ": this build has no CUDA; leave --gpu out, or build where nvcc is found";
  }
#else
  if (flag == "all") {
    gpus = UsableGpus();
    CHECK(!gpus.empty()) << "--gpu=all: there is no usable GPU" << Reason(0)
                         << "; leave out --gpu to compute on the CPU";
    return gpus;
  }
  for (const string& id : SplitNames(flag)) {
    gpus.push_back(ParseInteger(id, "--gpu=" + flag + ": give GPU numbers (0,1) or all"));
    CHECK_EQ(std::count(gpus.begin(), gpus.end(), gpus.back()), 1)
        << " times --gpu=" << flag << " names GPU " << id;
    CHECK(Caffe::CheckDevice(gpus.back()))
        << NoSuchGpu(gpus.back()) << "; leave out --gpu to compute on the CPU";
  }
#endif
  return gpus;
}

vector<int> UseTrainingDevices(const string& flag, const SolverParameter& param) {
  vector<int> gpus = AskedGpus(flag);
  const bool file_wants_gpu =
      param.has_solver_mode() && param.solver_mode() == SolverParameter::GPU;
  if (gpus.empty() && file_wants_gpu) {
#ifdef CPU_ONLY
    LOG(WARNING) << "The solver says solver_mode: GPU, but this build has no CUDA: training on the "
                    "CPU.";
#else
    gpus.push_back(param.device_id());
    CHECK(Caffe::CheckDevice(gpus.back()))
        << "The solver says solver_mode: GPU, but " << NoSuchGpu(gpus.back())
        << "; solver_mode: CPU trains on the CPU";
#endif
  }
#ifndef USE_NCCL
  CHECK_LE(gpus.size(), 1u)
      << " GPUs: this build has no NCCL and trains on one; give one, or build "
         "where nccl.h and libnccl are found";
#endif
  if (gpus.empty()) {
    LOG(INFO) << "Use CPU.";
  } else {
    PlainText names;
    for (const int gpu : gpus) names << (names.tellp() > 0 ? ", " : "") << gpu;
    LOG(INFO) << "Using GPUs " << names.str();
  }
  UseDevice(gpus);
  Caffe::set_solver_count(std::max<int>(1, gpus.size()));
  return gpus;
}

void Solve(const shared_ptr<Solver<float>>& solver, const vector<int>& gpus,
           const string& restore) {
#ifdef USE_NCCL
  if (gpus.size() > 1) {
    NCCL<float>(solver).Run(gpus, restore.empty() ? nullptr : restore.c_str());
    return;
  }
#endif
  solver->Solve();
}

void UseDevice(const vector<int>& gpus) {
  if (!gpus.empty()) Caffe::SetDevice(gpus[0]);
  Caffe::set_mode(gpus.empty() ? Caffe::CPU : Caffe::GPU);
}

void QueryDevices(const string& flag) {
  vector<int> gpus = AskedGpus(flag);
#ifdef CPU_ONLY
  const string none = "This build has no CUDA";
#else
  if (flag.empty()) gpus = UsableGpus();
  const string none = "There is no usable GPU" + Reason(0);
#endif
  if (gpus.empty()) {
    LOG(INFO) << none << ": this computes on the CPU, with " << NumThreads() << " thread(s).";
  }
  for (const int id : gpus) {
    LOG(INFO) << "Querying GPU " << id;
    Caffe::SetDevice(id);
    Caffe::DeviceQuery();
  }
}

}  // namespace tools
}  // namespace caffe
