// A program on the CPU leaves GPUs alone, though its build has CUDA.

#if __has_include(<device_calls.hpp>)

#include <device_calls.hpp>
#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

TEST(CpuMode, StartsCudaOnNoGpu) {
  // Pinned memory that other tests had is freed when a net ends.
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "about processes without a GPU";
  const int before = emulated_cuda::DeviceCalls();
  {
    caffe::Net<float> net(FromText<caffe::NetParameter>(R"(
        layer { name: "x" type: "DummyData" top: "x" top: "word" top: "label" dummy_data_param {
                shape { dim: 1 dim: 2 dim: 8 dim: 8 } shape { dim: 1 } shape { dim: 1 } } }
        layer { name: "a" type: "Convolution" bottom: "x" top: "a" convolution_param {
                num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
        layer { name: "pool" type: "Pooling" bottom: "a" top: "pool" top: "mask" pooling_param {
                kernel_size: 2 stride: 2 } }
        layer { name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up"
                upsample_param { scale: 2 } }
        layer { name: "embed" type: "Embed" bottom: "word" top: "embed" embed_param {
                num_output: 2 input_dim: 3 weight_filler { type: "xavier" } } }
        layer { name: "ip" type: "InnerProduct" bottom: "up" top: "ip" inner_product_param {
                num_output: 2 weight_filler { type: "xavier" } } }
        layer { name: "sum" type: "Eltwise" bottom: "ip" bottom: "embed" top: "sum" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "sum" bottom: "label" top: "loss" })"));
    net.ForwardBackward();
  }
  EXPECT_EQ(emulated_cuda::DeviceCalls(), before);
}

}  // namespace
}  // namespace caffe_test

#endif  // __has_include(<device_calls.hpp>)
