#include "caffe/devices.hpp"

#include <algorithm>

#include "caffe/parallel.hpp"
#include "caffe/util/list_file.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/parallel_for.hpp"
#include "caffe/util/plain_text.hpp"

namespace caffe {
namespace tools {

namespace {

// "0, 1", for a text or a flag.
string Listed(const vector<int>& gpus, const char* between) {
  PlainText text;
  for (const int gpu : gpus) text << (text.tellp() > 0 ? between : "") << gpu;
  return text.str();
}

#ifndef CPU_ONLY

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

// All that can be used, and those that cannot.
struct Gpus {
  vector<int> usable, left_out;
};

Gpus AllGpus() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) cudaGetLastError();
  Gpus gpus;
  for (int id = 0; id < count; ++id) {
    (Caffe::CheckDevice(id) ? gpus.usable : gpus.left_out).push_back(id);
  }
  return gpus;
}

// What --gpu=all asks for.
Gpus GpusOfAll() {
  const Gpus all = AllGpus();
  CHECK(!all.usable.empty()) << "--gpu=all: there is no usable GPU" << Reason(0)
                             << "; leave out --gpu to compute on the CPU";
  return all;
}
#endif

}  // namespace

vector<int> AskedGpus(const string& flag) {
  vector<int> gpus;
#ifdef CPU_ONLY
  if (!flag.empty()) {
    LOG(FATAL) << "--gpu=" << flag
               << ": this build has no CUDA; leave --gpu out, or build where nvcc is found";
  }
#else
  if (flag == "all") {
    const Gpus all = GpusOfAll();
    CHECK(all.left_out.empty()) << "--gpu=all: GPU " << Listed(all.left_out, ", ")
                                << " cannot be used, perhaps because another process has it for "
                                   "itself; --gpu="
                                << Listed(all.usable, ",") << " takes the others";
    return all.usable;
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
    LOG(INFO) << "Using GPUs " << Listed(gpus, ", ");
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
#ifdef CPU_ONLY
  const vector<int> gpus = AskedGpus(flag);
  const string none = "This build has no CUDA";
#else
  Gpus all;
  if (flag.empty()) {
    all = AllGpus();
  } else if (flag == "all") {
    all = GpusOfAll();
  } else {
    all.usable = AskedGpus(flag);
  }
  for (const int id : all.left_out) {
    LOG(WARNING) << "GPU " << id
                 << " cannot be used, perhaps because another process has it for itself";
  }
  const vector<int>& gpus = all.usable;
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
