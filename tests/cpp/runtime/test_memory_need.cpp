// What a net is said to need, where a GPU's memory is full.

#include <thread>

#include <gtest/gtest.h>

#include "errors.hpp"
#include "from_text.hpp"
#include "net/liveness.hpp"
#include "net/memory_need.hpp"

#if __has_include(<refusals.hpp>)
#include <refusals.hpp>
#define LIMITS_DEVICE_MEMORY
#endif

namespace caffe_test {
namespace {

const int kMiB = 1 << 20;

// x: 8 images, by default of 4 MiB; a and b are as large, and the loss's difference is not counted.
std::unique_ptr<caffe::Net<float>> MakeNet(caffe::Phase phase, int side = 1024) {
  auto param = FromText<caffe::NetParameter>(R"(
      layer { name: "x" type: "Input" top: "x" top: "t" input_param {
              shape { dim: 8 dim: 1024 dim: 1024 } shape { dim: 8 dim: 1024 dim: 1024 } } }
      layer { name: "a" type: "Scale" bottom: "x" top: "a" scale_param { axis: 1 num_axes: 2 } }
      layer { name: "b" type: "ReLU" bottom: "a" top: "b" }
      layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "t" top: "loss" })");
  for (caffe::BlobShape& shape : *param.mutable_layer(0)->mutable_input_param()->mutable_shape()) {
    shape.set_dim(1, side);
    shape.set_dim(2, side);
  }
  param.mutable_state()->set_phase(phase);
  return std::make_unique<caffe::Net<float>>(param);
}

TEST(MemoryNeed, CountsWhatIsThereAtATime) {
  const auto net = MakeNet(caffe::TRAIN);
  const size_t blobs = net->blobs().size();
  const std::vector<int> kept(blobs, caffe::kNever);
  const auto all = caffe::MemoryNeedOf(*net, kept, kept);
  EXPECT_EQ(all.batch, 8);
  EXPECT_EQ(all.parameters, 2 * 4.0 * kMiB);
  // Data of x, t, a, b, diffs of a and b.
  EXPECT_NEAR(all.blobs, 6 * 4.0 * kMiB * 8, 1024);
  // b's data and diff are gone before a's diff comes: steps 0 to 3 go forward, 4 to 7 back.
  std::vector<int> data_end = kept, diff_end = kept;
  for (size_t b = 0; b < blobs; ++b) {
    if (net->blob_names()[b] == "b") {
      data_end[b] = 4;
      diff_end[b] = 5;
    }
  }
  // The most is there in step 4, where b's diff comes, and in step 5, where a's does: five blobs.
  EXPECT_NEAR(caffe::MemoryNeedOf(*net, data_end, diff_end).blobs, 5 * 4.0 * kMiB * 8, 1024);
}

TEST(MemoryNeed, NamesTheBatchThatFits) {
  caffe::MemoryNeed need;
  need.parameters = 100;
  need.blobs = 600;
  need.batch = 6;
  EXPECT_EQ(need.BatchFor(499), 3);
  EXPECT_EQ(need.BatchFor(50), 0);
  EXPECT_NE(caffe::DescribeNeed("n", need, 499).find("for a batch of 6: a batch of 3 may fit"),
            std::string::npos);
  EXPECT_NE(caffe::DescribeNeed("n", need, 5000).find("a batch of 5 may fit"), std::string::npos)
      << "it did not fit as it is: something else takes its share";
  EXPECT_NE(caffe::DescribeNeed("n", need, 50).find("smaller input"), std::string::npos);
}

TEST(Memory, HoldsTheWeightsOfATrainedNetOnce) {
  const auto trained = MakeNet(caffe::TEST, 64);
  trained->learnable_params()[0]->mutable_cpu_data()[5] = 3;
  caffe::NetParameter param;
  trained->ToProto(&param);
  const caffe::Net<float> net(param);
  const auto& layer = net.layer_by_name("a");
  EXPECT_EQ(layer->blobs()[0]->cpu_data()[5], 3);
  // Of 16 KiB of weights.
  EXPECT_LT(layer->layer_param().SpaceUsedLong(), 4096u);
}

TEST(MemoryNeed, IsSaidInKiBWhereItIsSmall) {
  caffe::MemoryNeed need;
  need.blobs = 3 << 10;
  need.batch = 2;
  EXPECT_NE(caffe::DescribeNeed("n", need, 0).find("needs about 3 KiB"), std::string::npos);
  need.blobs = 3 * kMiB;
  EXPECT_NE(caffe::DescribeNeed("n", need, 0).find("needs about 3 MiB"), std::string::npos);
}

#ifdef LIMITS_DEVICE_MEMORY

// 64 KiB of x in BF16 and 448 KiB of y; as floats, twice as much.
std::unique_ptr<caffe::Net<float>> MakeRoundedNet(int width) {
  auto param = FromText<caffe::NetParameter>(R"(
      name: "n" precision: BF16
      layer { name: "x" type: "Input" top: "x" input_param {
              shape { dim: 1 dim: 8 dim: 64 dim: 64 } } }
      layer { name: "y" type: "Convolution" bottom: "x" top: "y" convolution_param {
              num_output: 56 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } })");
  // Another one each time: what is fastest is found once a geometry.
  param.mutable_layer(0)->mutable_input_param()->mutable_shape(0)->set_dim(3, width);
  param.mutable_state()->set_phase(caffe::TEST);
  return std::make_unique<caffe::Net<float>>(param);
}

// Leaves a GPU so much memory as long as it lives, and nothing that others have given back.
class LittleMemory {
 public:
  explicit LittleMemory(size_t bytes) {
    CUDA_CHECK(cudaDeviceSynchronize());
    emulated_cuda::LeaveDeviceMemory(bytes);
  }
  ~LittleMemory() { emulated_cuda::LeaveAllDeviceMemory(); }
};

TEST(OutOfMemory, IsNoneWhereAnotherEngineNeedsLess) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's memory";
  const auto net = MakeRoundedNet(63);
  // Some engine wants 8 MiB.
  const LittleMemory little(4 * kMiB);
  EXPECT_NO_THROW(net->Forward());
}

// Computes the gradient of a convolution's weights where there is room for one more as large, but
// not for two.
void ComputeWeightDiff() {
  const auto param = FromText<caffe::NetParameter>(R"(
      force_backward: true
      layer { name: "x" type: "Input" top: "x" input_param {
              shape { dim: 1 dim: 127 dim: 6 dim: 6 } } }
      layer { name: "y" type: "Convolution" bottom: "x" top: "y" convolution_param {
              num_output: 128 kernel_size: 3 pad: 1 bias_term: false
              weight_filler { type: "xavier" } } })");
  caffe::Net<float> net(param);
  net.Forward();
  caffe::Layer<float>& layer = *net.layers()[1];
  caffe::Blob<float>& diff = *layer.blobs()[0];
  diff.mutable_gpu_diff();
  net.top_vecs()[1][0]->mutable_gpu_diff();
  const LittleMemory little(diff.count() * sizeof(float) * 3 / 2);
  layer.Backward(net.top_vecs()[1], {false}, net.bottom_vecs()[1]);
}

// Trials add to memory of their own, as large as the diff. Engines, which cannot add, want as much
// once more.
TEST(OutOfMemory, IsNoneWhereADiffIsComputedWithoutEngines) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's memory";
  // In a thread of its own, with no memory from before.
  std::thread([] {
    caffe::Caffe::set_mode(caffe::Caffe::GPU);
    EXPECT_NO_THROW(ComputeWeightDiff());
  }).join();
}

TEST(OutOfMemory, AtARunsEndNamesTheOutput) {
#ifndef USE_CUDNN
  GTEST_SKIP() << "the output is not put in another order: cuDNN alone computes in such";
#endif
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's memory";
  const auto net = MakeRoundedNet(64);
  const LittleMemory little(kMiB);
  const std::string error = ErrorOf([&] { net->Forward(); });
  EXPECT_NE(error.find("output 'y'"), std::string::npos) << error;
  EXPECT_NE(error.find("no memory for 896 KiB"), std::string::npos) << error;
  EXPECT_NE(error.find("for a batch of 1"), std::string::npos) << error;
}

TEST(OutOfMemory, BeforeARunNamesTheInputAndTheLayer) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's memory";
  const auto net = MakeRoundedNet(61);
  net->blob_by_name("x")->mutable_cpu_data();
  {
    const LittleMemory little(64 << 10);
    EXPECT_ERROR_NAMES(net->Forward(), "input 'x'");
  }
  const auto other = MakeRoundedNet(60);
  const LittleMemory little(8 << 10);
  EXPECT_ERROR_NAMES(other->Forward(), "layer 'y'");
  EXPECT_ERROR_NAMES(other->Forward(), "for a batch of 1");
}

TEST(OutOfMemory, IsNoLastingError) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's memory";
  const auto net = MakeNet(caffe::TRAIN, 64);
  // x and its factors fit, a does not.
  emulated_cuda::LeaveDeviceMemory(3 * 64 * 64 * 8 * sizeof(float) / 2);
  EXPECT_ERROR_NAMES(net->Forward(), "layer 'a'");
  EXPECT_ERROR_NAMES(net->Forward(), "may fit");
  emulated_cuda::LeaveAllDeviceMemory();
  EXPECT_NO_THROW(net->ForwardBackward());
}

#endif

}  // namespace
}  // namespace caffe_test
