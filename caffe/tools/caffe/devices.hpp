#ifndef CAFFE_TOOLS_CAFFE_DEVICES_HPP_
#define CAFFE_TOOLS_CAFFE_DEVICES_HPP_

#include <string>
#include <vector>

#include "caffe/solver.hpp"

namespace caffe {
namespace tools {

/// The GPUs that --gpu=0,1 or --gpu=all asks for, none where it is empty. Throws Error where one of
/// them cannot be used: a training on fewer GPUs is another one.
std::vector<int> AskedGpus(const std::string& flag);

/// The GPUs of a training: those asked for or else, where the solver says solver_mode: GPU, its
/// device_id. Logs them, makes the calling thread compute on the first (or on the CPU), and the
/// solvers made from now on share their data between all.
std::vector<int> UseTrainingDevices(const std::string& flag, const SolverParameter& param);

/// Trains with `solver`, made on the first of `gpus`, on all of them. restore: as of NCCL::Run.
void Solve(const shared_ptr<Solver<float>>& solver, const std::vector<int>& gpus,
           const std::string& restore);

/// Makes the calling thread compute on the first of the GPUs or, where there is none, on the CPU.
void UseDevice(const std::vector<int>& gpus);

/// Logs what the GPUs that --gpu asks for offer, by default all; where there is none, why. Warns of
/// those that cannot be used. Throws Error where --gpu asks for some, and none can be.
void QueryDevices(const std::string& flag);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_DEVICES_HPP_
