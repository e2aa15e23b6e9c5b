// Which GPUs the command `caffe` takes, where some cannot be used.

#if __has_include(<refusals.hpp>)

#include <gtest/gtest.h>
#include <refusals.hpp>

#include "caffe/devices.hpp"
#include "errors.hpp"

namespace caffe_test {
namespace {

using caffe::tools::AskedGpus;

class Devices : public ::testing::Test {
 protected:
  Devices() { CUDA_CHECK(cudaGetDevice(&before_)); }
  // A thread whose GPU is refused ends up on another one.
  ~Devices() override {
    emulated_cuda::MayChooseDevices(true);
    caffe::Caffe::SetDevice(before_);
  }

 private:
  int before_ = 0;
};

TEST_F(Devices, AreAllOrThoseNamed) {
  EXPECT_EQ(AskedGpus("all"), (std::vector<int>{0, 1}));
  EXPECT_EQ(AskedGpus("1"), std::vector<int>{1});
  EXPECT_TRUE(AskedGpus("").empty());
}

TEST_F(Devices, ThatAreLeftOutOfAllAreAnError) {
  emulated_cuda::MayChooseDevice(1, false);
  EXPECT_ERROR_NAMES(AskedGpus("all"), "GPU 1 cannot be used");
  EXPECT_ERROR_NAMES(AskedGpus("all"), "--gpu=0 takes the others");
  EXPECT_EQ(AskedGpus("0"), std::vector<int>{0});
  emulated_cuda::MayChooseDevices(true);
  emulated_cuda::MayChooseDevice(0, false);
  EXPECT_ERROR_NAMES(AskedGpus("all"), "GPU 0 cannot be used");
  EXPECT_ERROR_NAMES(AskedGpus("all"), "--gpu=1 takes the others");
  EXPECT_EQ(AskedGpus("1"), std::vector<int>{1});
}

TEST_F(Devices, ThatAreNoneAreAnError) {
  emulated_cuda::MayChooseDevices(false);
  EXPECT_ERROR_NAMES(AskedGpus("all"), "there is no usable GPU");
  EXPECT_ERROR_NAMES(AskedGpus("1"), "GPU 1");
}

TEST_F(Devices, ThatAreNoneEndAQueryThatAskedForSome) {
  emulated_cuda::MayChooseDevices(false);
  EXPECT_ERROR_NAMES(caffe::tools::QueryDevices("all"), "there is no usable GPU");
  EXPECT_ERROR_NAMES(caffe::tools::QueryDevices("0"), "GPU 0");
  EXPECT_NO_THROW(caffe::tools::QueryDevices(""));
}

TEST_F(Devices, ThatCannotBeUsedDoNotEndAQuery) {
  int last = 0;
  caffe::Caffe::SetDevice(0);
  emulated_cuda::MayChooseDevice(0, false);
  for (const char* flag : {"", "all"}) EXPECT_NO_THROW(caffe::tools::QueryDevices(flag));
  CUDA_CHECK(cudaGetDevice(&last));
  EXPECT_EQ(last, 1) << "the last one that was asked";
}

}  // namespace
}  // namespace caffe_test

#endif  // __has_include(<refusals.hpp>)
