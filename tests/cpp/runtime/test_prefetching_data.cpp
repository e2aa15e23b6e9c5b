// Layers whose batches a thread makes ahead of time: what it throws, and what it leaves alone.

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include <boost/thread/exceptions.hpp>
#include <gtest/gtest.h>

#include "caffe/layers/base_data_layer.hpp"
#include "caffe/net.hpp"
#include "errors.hpp"
#include "forked_process.hpp"

#if __has_include(<refusals.hpp>)
#include <refusals.hpp>
#define REFUSES_DEVICES
#endif

namespace caffe {
namespace {

// Makes the batches 0 and 1 (all values are that number), and throws where another is due.
class ThrowingData : public BasePrefetchingDataLayer<float> {
 public:
  explicit ThrowingData(const LayerParameter& param) : BasePrefetchingDataLayer<float>(param) {}
  ~ThrowingData() override { StopInternalThread(); }
  const char* type() const override { return "ThrowingData"; }
  void DataLayerSetUp(const vector<Blob<float>*>&, const vector<Blob<float>*>& top) override {
    top[0]->Reshape({1});
  }

 protected:
  void load_batch(Batch<float>* batch) override {
    if (next_batch_ > 1) {
      const string& what = this->layer_param_.name();
      if (what == "number") throw 42;
      if (what == "interruption") throw boost::thread_interrupted();
      throw std::runtime_error("on purpose");
    }
    batch->data_.Reshape({1});
    batch->data_.mutable_cpu_data()[0] = next_batch_;
  }
};

LayerRegisterer<float> throwing_data("ThrowingData", [](const LayerParameter& param) {
  return shared_ptr<Layer<float>>(new ThrowingData(param));
});

// A net of one ThrowingData.
std::unique_ptr<Net<float>> NetThatThrows(const string& what) {
  NetParameter param;
  LayerParameter* layer = param.add_layer();
  layer->set_name(what);
  layer->set_type("ThrowingData");
  layer->add_top("data");
  return std::make_unique<Net<float>>(param);
}

float NextBatch(Net<float>* net) { return net->Forward()[0]->cpu_data()[0]; }

TEST(PrefetchingData, WhateverIsThrownBecomesAnErrorOfItsBatch) {
  const auto throwing = [](const string& what) {
    const auto net = NetThatThrows(what);
    EXPECT_EQ(NextBatch(net.get()), 0);
    EXPECT_EQ(NextBatch(net.get()), 1);
    NextBatch(net.get());
  };
  EXPECT_ERROR_NAMES(
      throwing("number"),
      "layer 'number' (ThrowingData): something was thrown that is no std::exception");
  EXPECT_ERROR_NAMES(throwing("interruption"),
                     "layer 'interruption' (ThrowingData): a thread was interrupted");
  EXPECT_ERROR_NAMES(throwing("exception"), "layer 'exception' (ThrowingData): on purpose");
}

TEST(PrefetchingData, AForkedProcessDoesNotWaitForTheThreadThatItLacks) {
#ifndef REFUSES_DEVICES
  if (Caffe::mode() == Caffe::GPU) GTEST_SKIP() << "CUDA does not go on in a forked process";
#endif
  const auto net = NetThatThrows("data");
  EXPECT_EQ(NextBatch(net.get()), 0);
  EXPECT_TRUE(caffe_test::InForkedProcess([&] {
    const string error = caffe_test::ErrorOf([&] { NextBatch(net.get()); });
    return caffe_test::Contains(error, "make the net in the process that runs it") &&
           NextBatch(NetThatThrows("data").get()) == 0;
  }));
  EXPECT_EQ(NextBatch(net.get()), 1);
}

#ifdef REFUSES_DEVICES

TEST(PrefetchingData, AGpuThatServesNoFurtherThreadIsAnErrorOfTheLayer) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "about GPUs";
  emulated_cuda::MayChooseDevices(false);
  EXPECT_ERROR_NAMES(NetThatThrows("data"), "layer 'data' (ThrowingData): ");
  emulated_cuda::MayChooseDevices(true);
  EXPECT_EQ(NextBatch(NetThatThrows("data").get()), 0);
}

#endif

// Says how many batches it has made; all values of a batch are its number.
class CountingData : public BasePrefetchingDataLayer<float> {
 public:
  explicit CountingData(const LayerParameter& param) : BasePrefetchingDataLayer<float>(param) {}
  ~CountingData() override { StopInternalThread(); }
  void DataLayerSetUp(const vector<Blob<float>*>&, const vector<Blob<float>*>& top) override {
    top[0]->Reshape({1});
  }
  void WaitForBatch(uint64_t number) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return made_ > number; });
  }
  // As a snapshot of the first `batches` has it.
  void RestoreAfter(uint64_t batches) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      made_ = 0;
    }
    LayerState state;
    state.set_batches(batches);
    this->RestoreState(state);
  }
  uint64_t ahead() const { return prefetch_.size(); }

 protected:
  bool BatchesByNumber() const override { return true; }
  void load_batch(Batch<float>* batch) override {
    batch->data_.Reshape({1});
    batch->data_.mutable_cpu_data()[0] = next_batch_;
    const std::lock_guard<std::mutex> lock(mutex_);
    made_ = next_batch_ + 1;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t made_ = 0;
};

TEST(PrefetchingData, RestoringLeavesTheBatchAloneThatIsInUse) {
  CountingData layer{LayerParameter()};
  Blob<float> top;
  const vector<Blob<float>*> tops = {&top};
  layer.SetUp({}, tops);
  for (int batch = 0; batch < 3; ++batch) layer.Forward({}, tops);
  layer.WaitForBatch(2 + layer.ahead() - 1);
  for (const uint64_t restored : {5, 2, 9}) {
    layer.RestoreAfter(restored);
    // As many as there is memory for beside the one in use.
    layer.WaitForBatch(restored + layer.ahead() - 2);
    EXPECT_EQ(top.cpu_data()[0], 2);
  }
  layer.Forward({}, tops);
  EXPECT_EQ(top.cpu_data()[0], 9);
}

}  // namespace
}  // namespace caffe
