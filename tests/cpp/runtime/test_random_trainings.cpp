// Trainings of nets that nobody thought of, interrupted at any iteration: what a snapshot restores
// goes on to the bits of the training that was not interrupted.

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "as_large.hpp"
#include "caffe/sgd_solvers.hpp"
#include "files.hpp"
#include "in_mode.hpp"
#include "random_net.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::SolverParameter;
using Solver = caffe::Solver<float>;

const int kIterations = 5;

/// A random net, with Dropout in place of some of its ReLUs, and the solver that a number chooses.
SolverParameter RandomTraining(unsigned number) {
  const char* const kTypes[] = {"SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"};
  const char* const kPolicies[] = {"fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid"};
  std::mt19937 random(number);
  SolverParameter param;
  param.set_type(kTypes[number % 6]);
  param.set_lr_policy(kPolicies[number % 7]);
  param.set_base_lr(1e-3f);
  param.set_gamma(0.9f);
  param.set_power(0.5f);
  param.set_stepsize(2);
  param.add_stepvalue(3);
  param.set_max_iter(kIterations);
  const bool has_momentum = param.type() != "AdaGrad" && param.type() != "RMSProp";
  if (has_momentum) param.set_momentum(0.9f);
  param.set_weight_decay(0.01f);
  param.set_regularization_type(random() % 2 ? "L1" : "L2");
  if (random() % 2) param.set_clip_gradients(0.5f);
  param.set_iter_size(1 + random() % 2);
  param.set_snapshot_format(random() % 2 ? SolverParameter::HDF5 : SolverParameter::BINARYPROTO);
  param.set_random_seed(number);
  caffe::NetParameter& net = *param.mutable_net_param();
  net = RandomNet(number, caffe::TRAIN);
  net.clear_state();
  net.set_blob_lifetime(caffe::NetParameter::UNTIL_BACKWARD);
  net.set_precision(random() % 2 ? caffe::BF16 : caffe::FP32);
  for (caffe::LayerParameter& layer : *net.mutable_layer()) {
    if (layer.type() != "ReLU" || random() % 2) continue;
    layer.set_type("Dropout");
    layer.clear_relu_param();
  }
  return param;
}

/// Iterations up to `end`, each with an input of its own.
void Train(Solver* solver, unsigned number, int end) {
  while (solver->iter() < end) {
    std::mt19937 random(number + solver->iter());
    Blob<float>* input = solver->net()->input_blobs()[0];
    float* values = input->mutable_cpu_data();
    for (int i = 0; i < input->count(); ++i) values[i] = int(random() % 4001) / 1000.f - 2;
    solver->Step(1);
  }
}

std::vector<float> Parameters(Solver* solver) {
  std::vector<float> values;
  for (const auto& blob : solver->net()->params()) {
    values.insert(values.end(), blob->cpu_data(), blob->cpu_data() + blob->count());
  }
  return values;
}

std::vector<float> TrainedAtOnce(const SolverParameter& param, unsigned number) {
  const caffe::shared_ptr<Solver> solver(caffe::SolverRegistry<float>::CreateSolver(param));
  Train(solver.get(), number, kIterations);
  return Parameters(solver.get());
}

std::vector<float> TrainedInTwoParts(SolverParameter param, unsigned number) {
  const TemporaryFolder folder;
  param.set_snapshot_prefix(folder / "snapshot");
  const int half = 1 + number % (kIterations - 1);
  {
    const caffe::shared_ptr<Solver> solver(caffe::SolverRegistry<float>::CreateSolver(param));
    Train(solver.get(), number, half);
    solver->Snapshot();
  }
  const caffe::shared_ptr<Solver> solver(caffe::SolverRegistry<float>::CreateSolver(param));
  const bool hdf5 = param.snapshot_format() == SolverParameter::HDF5;
  const std::string state = param.snapshot_prefix() + "_iter_" + std::to_string(half);
  solver->Restore((state + (hdf5 ? ".solverstate.h5" : ".solverstate")).c_str());
  Train(solver.get(), number, kIterations);
  return Parameters(solver.get());
}

// On a GPU only its deterministic mode gives the same bits twice.
TEST(RandomTrainings, GoOnToTheSameBits) {
  const InMode in_cpu_mode(caffe::Caffe::CPU);
  for (unsigned number = 0; number < 24; ++number) {
    std::unique_ptr<AsLarge> as_large;
    if (number % 2) as_large = std::make_unique<AsLarge>();
    const SolverParameter param = RandomTraining(number);
    EXPECT_EQ(TrainedAtOnce(param, number), TrainedInTwoParts(param, number))
        << param.DebugString();
  }
}

}  // namespace
}  // namespace caffe_test
