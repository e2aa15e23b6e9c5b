#ifndef CAFFE_TOOLS_CAFFE_DEVICES_HPP_
#define CAFFE_TOOLS_CAFFE_DEVICES_HPP_

#include <string>
#include <vector>

namespace caffe {
namespace tools {

/// The GPUs that --gpu=0,1 or --gpu=all asks for, none where it is empty. Throws Error where one of
/// them cannot be used.
std::vector<int> AskedGpus(const std::string& flag);

/// Makes the calling thread compute on the first of the GPUs or, where there is none, on the CPU.
void UseDevice(const std::vector<int>& gpus);

/// Logs what the GPUs (in a build without CUDA: the CPU) offer.
void QueryDevices(const std::vector<int>& gpus);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_DEVICES_HPP_
