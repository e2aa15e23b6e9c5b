// What a GPU does later than it is told to: nobody sees it. In the CPU's mode, the same holds.

#include <thread>

#include <gtest/gtest.h>

#include "caffe/sgd_solvers.hpp"
#include "errors.hpp"
#include "from_text.hpp"
#include "in_mode.hpp"

#if __has_include(<host_waits.hpp>)
#include <host_waits.hpp>
#define COUNTS_HOST_WAITS
#endif

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Caffe;

/// Shows the loss that a solver would log.
class Shown : public caffe::SGDSolver<float> {
 public:
  using SGDSolver<float>::SGDSolver;
  /// Those that a snapshot would hold: of the last average_loss iterations. (No model is written.)
  std::vector<float> Losses() {
    caffe::SolverState state;
    this->SaveState("/dev/null", &state);
    return {state.recent_loss().begin(), state.recent_loss().end()};
  }
};

caffe::SolverParameter Parameters(const std::string& more) {
  auto param = FromText<caffe::SolverParameter>(R"(
      net_param {
        layer { name: "x" type: "DummyData" top: "x" top: "label" dummy_data_param {
                shape { dim: 4 dim: 3 } shape { dim: 4 } data_filler { type: "gaussian" }
                data_filler { value: 1 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param {
                num_output: 3 weight_filler { type: "xavier" } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
                loss_weight: 2 }
        layer { name: "other" type: "EuclideanLoss" bottom: "ip" bottom: "x" top: "other" }
      }
      base_lr: 0.1 lr_policy: "fixed" random_seed: 3 iter_size: 2 )" +
                                                more);
  return param;
}

TEST(Losses, OfTheLastIterationsAreKeptUntilTheyAreRead) {
  const auto param = Parameters("average_loss: 3");
  std::vector<float> expected;
  {
    const InMode in_cpu_mode(Caffe::CPU);
    Shown solver(param);
    solver.Step(5);
    expected = solver.Losses();
  }
  Shown solver(param);
  for (const int iterations : {1, 4}) solver.Step(iterations);
  const std::vector<float> losses = solver.Losses();
  ASSERT_EQ(losses.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(losses[i], expected[i], 1e-4) << i;
  EXPECT_EQ(solver.Losses(), losses) << "reading them twice changes nothing";
  solver.Step(1);
  EXPECT_EQ(solver.Losses()[0], losses[1]);
}

TEST(Losses, OfWrongLabelsEndATraining) {
  auto param = Parameters("");
  param.mutable_net_param()
      ->mutable_layer(0)
      ->mutable_dummy_data_param()
      ->mutable_data_filler(1)
      ->set_value(7);
  Shown solver(param);
  EXPECT_ERROR_NAMES(solver.Step(2), "ignore_label");
}

TEST(LossScale, ThatIsAPowerOfTwoChangesNoBit) {
  // One after the other: making a solver seeds the generator that draws the data.
  Shown plain(Parameters("clip_gradients: 0.5"));
  plain.Step(4);
  Shown scaled(Parameters("clip_gradients: 0.5 loss_scale: 1024"));
  scaled.Step(4);
  for (size_t p = 0; p < plain.net()->learnable_params().size(); ++p) {
    const Blob<float>& a = *plain.net()->learnable_params()[p];
    const Blob<float>& b = *scaled.net()->learnable_params()[p];
    for (int i = 0; i < a.count(); ++i) EXPECT_EQ(a.cpu_data()[i], b.cpu_data()[i]);
  }
  EXPECT_EQ(plain.Losses(), scaled.Losses());
  EXPECT_EQ(plain.net()->layers().back()->loss(0), scaled.net()->layers().back()->loss(0));
  EXPECT_ERROR_NAMES(Shown(Parameters("loss_scale: 0")), "loss_scale");
}

// What some options do to a training that waits for nothing.
const char* const kOptions[] = {
    "",
    "clip_gradients: 0.5 display: 2",
    "clip_gradients: 1e6",
    "loss_scale: 8",
    R"(net_param { layer { loss_param { weight_by_label_freqs: true } } })",
    R"(net_param { layer { loss_param { class_weighting: [1, 2, 3] } } })"};

// As Parameters, with data and labels that stay as they are; what `more` says of a layer is for the
// first loss.
caffe::SolverParameter ConstantData(const std::string& more) {
  auto options = FromText<caffe::SolverParameter>(more), param = Parameters("");
  caffe::NetParameter* net = param.mutable_net_param();
  net->mutable_layer(0)->mutable_dummy_data_param()->mutable_data_filler(0)->set_type("constant");
  net->mutable_layer(0)->mutable_dummy_data_param()->mutable_data_filler(0)->set_value(0.5);
  if (options.has_net_param()) net->mutable_layer(2)->MergeFrom(options.net_param().layer(0));
  options.clear_net_param();
  param.MergeFrom(options);
  return param;
}

TEST(Training, IsThatOfTheCpu) {
  for (const char* options : kOptions) {
    SCOPED_TRACE(options);
    const auto train = [&](Shown* solver) {
      // Labels of several classes, one of which does not occur.
      float* labels = solver->net()->blob_by_name("label")->mutable_cpu_data();
      for (int i = 0; i < 4; ++i) labels[i] = i == 3 ? 2 : 0;
      solver->Step(4);
      const Blob<float>& weights = *solver->net()->learnable_params()[0];
      return std::vector<float>(weights.cpu_data(), weights.cpu_data() + weights.count());
    };
    std::vector<float> expected;
    {
      const InMode in_cpu_mode(Caffe::CPU);
      Shown solver(ConstantData(options));
      expected = train(&solver);
    }
    Shown solver(ConstantData(options));
    const std::vector<float> weights = train(&solver);
    for (size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(weights[i], expected[i], 1e-5) << i;
  }
}

#ifdef COUNTS_HOST_WAITS

TEST(Training, WaitsForNothingBetweenDisplays) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's queue";
  for (const char* options : kOptions) {
    SCOPED_TRACE(options);
    Shown solver(ConstantData(options));
    solver.Step(3);
    const int before = emulated_cuda::HostWaits();
    solver.Step(1);
    EXPECT_EQ(emulated_cuda::HostWaits(), before);
  }
}

TEST(Losses, TakeOneWaitToRead) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's queue";
  auto param = FromText<caffe::NetParameter>(R"(
      layer { name: "x" type: "DummyData" top: "x" top: "y" dummy_data_param {
              shape { dim: 4 dim: 3 } data_filler { value: 1 } data_filler { value: 3 } } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "loss"
              loss_weight: 2 } )");
  caffe::Net<float> net(param);
  net.Forward();
  const int before = emulated_cuda::HostWaits();
  float loss = 0;
  const float unweighted = net.Forward(&loss)[0]->cpu_data()[0];
  EXPECT_EQ(emulated_cuda::HostWaits(), before + 1);
  EXPECT_EQ(unweighted, 6);
  EXPECT_EQ(loss, 12);
}

#endif

#ifndef CPU_ONLY

TEST(SyncedMemory, IsHandedFromThreadToThread) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's copy";
  Blob<float> blob(std::vector<int>{1000});
  caffe::caffe_gpu_set(1000, 1.f, blob.mutable_gpu_data());
  for (int n = 2; n < 5; ++n) {
    std::thread([&] {
      Caffe::set_mode(Caffe::GPU);
      caffe::caffe_gpu_add_scalar(1000, 1.f, blob.mutable_gpu_data());
    }).join();
    EXPECT_EQ(blob.cpu_data()[999], n);
  }
}

TEST(SyncedMemory, IsReadFromAnotherGpu) {
  int count = 0, device = 0;
  if (Caffe::mode() != Caffe::GPU || cudaGetDeviceCount(&count) != cudaSuccess || count < 2) {
    GTEST_SKIP() << "for two GPUs";
  }
  CUDA_CHECK(cudaGetDevice(&device));
  Blob<float> blob(std::vector<int>{1000});
  caffe::caffe_gpu_set(1000, 3.f, blob.mutable_gpu_data());
  Caffe::SetDevice((device + 1) % count);
  EXPECT_EQ(blob.cpu_data()[999], 3);
  EXPECT_ERROR_NAMES(blob.gpu_data(), "device");
  Caffe::SetDevice(device);
  EXPECT_NO_THROW(blob.gpu_data());
}

TEST(SyncedMemory, IsInOrderWithTheDefaultStream) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's copy";
  Blob<float> blob(std::vector<int>{1000});
  caffe::caffe_gpu_set(1000, 1.f, blob.mutable_gpu_data());
  CUDA_CHECK(cudaMemsetAsync(blob.mutable_gpu_data(), 0, 1000 * sizeof(float), nullptr));
  caffe::caffe_gpu_add_scalar(1000, 2.f, blob.mutable_gpu_data());
  EXPECT_EQ(blob.cpu_data()[999], 2);
}

TEST(SyncedMemory, MayBeWrittenOnTheHostRightAfterAnUpload) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's copy";
  Blob<float> blob(std::vector<int>{1 << 20}), copy(std::vector<int>{1 << 20});
  for (int n = 1; n < 5; ++n) {
    caffe::caffe_set(blob.count(), float(n), blob.mutable_cpu_data());
    caffe::caffe_copy(blob.count(), blob.gpu_data(), copy.mutable_gpu_data());
    caffe::caffe_set(blob.count(), -1.f, blob.mutable_cpu_data());
    EXPECT_EQ(copy.cpu_data()[blob.count() - 1], n);
  }
}

TEST(SyncedMemory, GivesItsContentsOnTheGpuAway) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's copy";
  caffe::SyncedMemory from(8), to(8), other(4);
  EXPECT_FALSE(to.TakeFromGpu(&from)) << "nothing is there yet";
  static_cast<double*>(from.mutable_cpu_data())[0] = 3;
  const void* memory = from.gpu_data();
  EXPECT_FALSE(other.TakeFromGpu(&from)) << "of another size";
  EXPECT_TRUE(to.TakeFromGpu(&from));
  EXPECT_EQ(to.gpu_data(), memory);
  EXPECT_EQ(*static_cast<const double*>(to.cpu_data()), 3);
  EXPECT_NE(from.gpu_data(), memory);
}

#endif

}  // namespace
}  // namespace caffe_test
