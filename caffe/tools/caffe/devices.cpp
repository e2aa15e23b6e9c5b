#include "caffe/devices.hpp"

#include <algorithm>
#include <cctype>

#include "caffe/common.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/parallel_for.hpp"

namespace caffe {
namespace tools {

vector<int> AskedGpus(const string& flag) {
  vector<int> gpus;
#ifdef CPU_ONLY
  if (!flag.empty()) {
    LOG(FATAL) << "--gpu=" << flag
               << ": this build has no CUDA; leave --gpu out, or build where nvcc is found";
  }
#else
  if (flag == "all") {
    for (int id = 0; Caffe::CheckDevice(id); ++id) gpus.push_back(id);
    CHECK(!gpus.empty()) << "--gpu=all: no usable GPU";
    return gpus;
  }
  for (const string& id : SplitNames(flag)) {
    const bool digits = std::all_of(id.begin(), id.end(), [](char c) { return std::isdigit(c); });
    CHECK(digits && id.size() < 5) << "--gpu=" << flag << ": give GPU numbers (0,1) or all";
    gpus.push_back(std::stoi(id));
    CHECK(Caffe::CheckDevice(gpus.back())) << "GPU " << id << " does not exist or is not usable";
  }
#endif
  return gpus;
}

void UseDevice(const vector<int>& gpus) {
  if (!gpus.empty()) Caffe::SetDevice(gpus[0]);
  Caffe::set_mode(gpus.empty() ? Caffe::CPU : Caffe::GPU);
}

void QueryDevices(const vector<int>& gpus) {
#ifdef CPU_ONLY
  LOG(INFO) << "This build has no CUDA: it computes on the CPU, with " << NumThreads()
            << " thread(s).";
#endif
  for (const int id : gpus) {
    LOG(INFO) << "Querying GPU " << id;
    Caffe::SetDevice(id);
    Caffe::DeviceQuery();
  }
}

}  // namespace tools
}  // namespace caffe
