// Values that are kept in an order of their own on a GPU, between threads and between GPUs.
#ifndef CPU_ONLY

#include <future>
#include <thread>

#include "caffe/net.hpp"
#include "channel_orders.hpp"
#include "errors.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Net;

const char* const kPrecisions[] = {"FP32", "BF16", "TF32", "FP16"};

// b and mask are kept in orders of their own; both are passed on.
std::unique_ptr<Net<float>> MakeNet(const std::string& precision) {
  auto param = FromText<caffe::NetParameter>("precision: " + precision + R"(
      layer { name: "x" type: "Input" top: "x" input_param {
              shape { dim: 1 dim: 8 dim: 8 dim: 8 } } }
      layer { name: "a" type: "Convolution" bottom: "x" top: "a" convolution_param {
              num_output: 8 kernel_size: 3 pad: 1
              weight_filler { type: "constant" value: 0.0078125 } } }
      layer { name: "b" type: "ReLU" bottom: "a" top: "b" }
      layer { name: "pool" type: "Pooling" bottom: "b" top: "pool" top: "mask" pooling_param {
              kernel_size: 2 stride: 2 } }
      layer { name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up"
              upsample_param { scale: 2 } }
      layer { name: "c" type: "Convolution" bottom: "up" top: "c" convolution_param {
              num_output: 8 kernel_size: 1 weight_filler { type: "constant" value: 0.25 } } })");
  param.mutable_state()->set_phase(caffe::TEST);
  return std::make_unique<Net<float>>(param);
}

// With numbers that all precisions hold.
void Forward(int seed, Net<float>* net) {
  Blob<float>& x = *net->blob_by_name("x");
  const auto values = Numbers(x.count(), seed);
  std::copy(values.begin(), values.end(), x.mutable_cpu_data());
  net->Forward();
}

std::vector<float> ValuesOf(const Net<float>& net, const std::string& name) {
  const Blob<float>& blob = *net.blob_by_name(name);
  return {blob.cpu_data(), blob.cpu_data() + blob.count()};
}

// On the thread's GPU.
template <typename Body>
std::thread InGpuThread(const Body& body) {
  int device = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  return std::thread([device, body] {
    Caffe::SetDevice(device);
    Caffe::set_mode(Caffe::GPU);
    body();
  });
}

TEST(GpuThreads, ReadWhatAnotherHasComputed) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's streams";
  for (const char* precision : kPrecisions) {
    const auto reference = MakeNet(precision);
    Forward(2, reference.get());
    for (const char* name : {"a", "b", "mask", "up", "c"}) {
      SCOPED_TRACE(std::string(precision) + ", " + name);
      // Nobody has read its values in plain order before.
      const auto net = MakeNet(precision);
      Forward(1, net.get());
      Forward(2, net.get());
      std::vector<float> got;
      InGpuThread([&] { got = ValuesOf(*net, name); }).join();
      EXPECT_EQ(got, ValuesOf(*reference, name));
    }
  }
}

TEST(GpuThreads, WriteOverWhatAnotherHasWritten) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's streams";
  Blob<float> blob(1, 8, 4, 4);
  const ChannelLayout layout = caffe::ChannelsLast(blob, Element::kFloat);
  const auto write = [&](int byte) {
    void* values = caffe::WriteBytes(layout, &blob, Part::kData, Place::kGpu);
    CUDA_CHECK(cudaMemsetAsync(values, byte, layout.bytes(), caffe::ThreadStream()));
  };
  for (const int byte : {1, 2, 3}) {
    write(0);
    InGpuThread([&] {
      write(byte);
      CUDA_CHECK(cudaStreamSynchronize(caffe::ThreadStream()));
    }).join();
    EXPECT_EQ(reinterpret_cast<const char*>(blob.cpu_data())[0], byte);
  }
}

TEST(GpuThreads, ReadWhatAnotherDestroys) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about the GPU's streams";
  const Shape shape = {1, 8, 4, 4};
  auto blob = std::make_unique<Blob<float>>(shape);
  caffe::caffe_gpu_set(blob->count(), 1.f, blob->mutable_gpu_data());
  const ChannelLayout layout = caffe::ChannelsLast(*blob, Element::kFloat);
  ArrangeOnGpu(layout, Part::kData, blob.get());
  std::promise<void> has_queued, may_look;
  float got = 0;
  std::thread reader = InGpuThread([&] {
    const void* values = caffe::ReadBytes(layout, *blob, Part::kData, Place::kGpu);
    Blob<float> copy(shape);
    CUDA_CHECK(cudaMemcpyAsync(copy.mutable_gpu_data(), values, layout.bytes(),
                               cudaMemcpyDeviceToDevice, caffe::ThreadStream()));
    has_queued.set_value();
    may_look.get_future().wait();
    got = copy.cpu_data()[0];
  });
  has_queued.get_future().wait();
  blob.reset();
  CUDA_CHECK(cudaStreamSynchronize(caffe::ThreadStream()));
  Blob<float> others[8];
  for (Blob<float>& other : others) {
    other.Reshape(shape);
    caffe::caffe_gpu_set(other.count(), 2.f, other.mutable_gpu_data());
  }
  CUDA_CHECK(cudaStreamSynchronize(caffe::ThreadStream()));
  may_look.set_value();
  reader.join();
  EXPECT_EQ(got, 1);
}

TEST(GpuThreads, ReadFromAnotherGpu) {
  int count = 0, device = 0;
  if (Caffe::mode() != Caffe::GPU || cudaGetDeviceCount(&count) != cudaSuccess || count < 2) {
    GTEST_SKIP() << "for two GPUs";
  }
  CUDA_CHECK(cudaGetDevice(&device));
  for (const char* precision : kPrecisions) {
    const auto net = MakeNet(precision);
    for (const char* name : {"b", "mask", "up"}) {
      SCOPED_TRACE(std::string(precision) + ", " + name);
      Forward(1, net.get());
      const auto expected = ValuesOf(*net, name);
      Forward(1, net.get());
      Caffe::SetDevice((device + 1) % count);
      EXPECT_ERROR_NAMES(net->blob_by_name(name)->gpu_data(), "device");
      EXPECT_EQ(ValuesOf(*net, name), expected);
      Caffe::SetDevice(device);
      EXPECT_NO_THROW(net->blob_by_name(name)->gpu_data());
      Forward(1, net.get());
      EXPECT_EQ(ValuesOf(*net, name), expected);
    }
  }
}

TEST(GpuThreads, OnAnotherGpuGetNoneOfItsLayouts) {
  int count = 0, device = 0;
  if (Caffe::mode() != Caffe::GPU || cudaGetDeviceCount(&count) != cudaSuccess || count < 2) {
    GTEST_SKIP() << "for two GPUs";
  }
  CUDA_CHECK(cudaGetDevice(&device));
  Blob<float> blob(1, 8, 4, 4);
  caffe::caffe_gpu_set(blob.count(), 1.f, blob.mutable_gpu_data());
  const ChannelLayout layout = caffe::ChannelsLast(blob, Element::kBFloat16);
  ArrangeOnGpu(layout, Part::kData, &blob);
  Caffe::SetDevice((device + 1) % count);
  EXPECT_ERROR_NAMES(caffe::ReadBytes(layout, blob, Part::kData, Place::kGpu), "device");
  EXPECT_ERROR_NAMES(caffe::WriteBytes(layout, &blob, Part::kData, Place::kGpu), "device");
  Caffe::SetDevice(device);
  EXPECT_EQ(blob.cpu_data()[0], 1);
}

}  // namespace
}  // namespace caffe_test

#endif  // CPU_ONLY
