#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

// Float convolutions hand on blocked memory and double ones do not, so a net whose values agree in
// both shows that the layers in between read and write either. 16 and 32 channels fill whole
// blocks.
const char kNet[] = R"(
  force_backward: true
  layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 dim: 9 dim: 8 } } }
  layer { name: 'a' type: 'Convolution' bottom: 'x' top: 'a'
          convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'b' type: 'Convolution' bottom: 'x' top: 'b'
          convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'relu' type: 'ReLU' bottom: 'a' top: 'a' }
  layer { name: 'tanh' type: 'TanH' bottom: 'b' top: 'tanh' }
  layer { name: 'drop' type: 'Dropout' bottom: 'a' top: 'drop' }
  layer { name: 'concat' type: 'Concat' bottom: 'drop' bottom: 'tanh' top: 'concat' }
  layer { name: 'slice' type: 'Slice' bottom: 'concat' top: 's0' top: 's1'
          slice_param { slice_point: 16 } }
  layer { name: 'sum' type: 'Eltwise' bottom: 's0' bottom: 'b' top: 'sum'
          eltwise_param { coeff: 2 coeff: -1 } }
  layer { name: 'prod' type: 'Eltwise' bottom: 'sum' bottom: 'tanh' top: 'prod'
          eltwise_param { operation: PROD } }
  layer { name: 'max' type: 'Eltwise' bottom: 'prod' bottom: 'b' top: 'max'
          eltwise_param { operation: MAX } }
  layer { name: 'c' type: 'Convolution' bottom: 's1' top: 'c'
          convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'abs' type: 'AbsVal' bottom: 'c' top: 'c' }
  layer { name: 'both' type: 'Concat' bottom: 'c' bottom: 'max' top: 'both' }
  layer { name: 'd' type: 'Convolution' bottom: 'both' top: 'd'
          convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: 'xavier' } } }
  layer { name: 'sigmoid' type: 'Sigmoid' bottom: 'd' top: 'd' }
  layer { name: 'loss' type: 'Reduction' bottom: 'd' top: 'loss' loss_weight: 1
          reduction_param { operation: SUMSQ } }
)";

template <typename Dtype>
caffe::shared_ptr<caffe::Net<Dtype>> NetOfText(const std::string& text, caffe::Phase phase) {
  auto param = FromText<caffe::NetParameter>(text);
  param.mutable_state()->set_phase(phase);
  return caffe::shared_ptr<caffe::Net<Dtype>>(new caffe::Net<Dtype>(param));
}

template <typename From, typename To>
void CopyValues(const caffe::Blob<From>& from, caffe::Blob<To>* to) {
  std::copy(from.cpu_data(), from.cpu_data() + from.count(), to->mutable_cpu_data());
}

void ExpectClose(const float* got, const double* expected, int count, const std::string& what) {
  for (int i = 0; i < count; ++i) {
    ASSERT_NEAR(got[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << what << " at " << i;
  }
}

TEST(Layouts, GiveTheNumbersOfPlainMemory) {
  caffe::Caffe::set_random_seed(5);
  const auto plain = NetOfText<double>(kNet, caffe::TEST);
  const auto blocked = NetOfText<float>(kNet, caffe::TEST);
  const auto x = plain->blob_by_name("x");
  caffe::caffe_rng_gaussian<double>(x->count(), 0, 1, x->mutable_cpu_data());
  CopyValues(*x, blocked->blob_by_name("x").get());
  for (size_t i = 0; i < plain->params().size(); ++i) {
    CopyValues(*plain->params()[i], blocked->params()[i].get());
  }
  // Twice, since layers also meet the orders that the first pass left in the blobs.
  for (int pass = 0; pass < 2; ++pass) {
    blocked->ClearParamDiffs();
    plain->ClearParamDiffs();
    EXPECT_NEAR(blocked->ForwardBackward(), plain->ForwardBackward(), 1e-3);
    for (size_t i = 0; i < plain->params().size(); ++i) {
      ExpectClose(blocked->params()[i]->cpu_diff(), plain->params()[i]->cpu_diff(),
                  plain->params()[i]->count(), "diff of a parameter");
    }
  }
  for (size_t i = 0; i < plain->blobs().size(); ++i) {
    const std::string& name = plain->blob_names()[i];
    const int count = plain->blobs()[i]->count();
    ExpectClose(blocked->blobs()[i]->cpu_data(), plain->blobs()[i]->cpu_data(), count, name);
    ExpectClose(blocked->blobs()[i]->cpu_diff(), plain->blobs()[i]->cpu_diff(), count,
                "diff of " + name);
  }
}

TEST(Layouts, AreKeptFromConvolutionToConvolution) {
#ifndef USE_ONEDNN
  GTEST_SKIP() << "convolutions without oneDNN write the plain order";
#endif
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "layouts are for the CPU";
  const auto net = NetOfText<float>(kNet, caffe::TEST);
  net->Forward();
  // Nobody asked for the plain order of what the element-wise layers wrote.
  for (const std::string name : {"a", "tanh", "drop", "concat"}) {
    EXPECT_EQ(net->blob_by_name(name)->data()->head(), caffe::SyncedMemory::HEAD_AT_LAYOUT) << name;
  }
}

TEST(Layouts, OfSharedWeightsAreMadeByAnyOfTheThreadsThatRunThem) {
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "layouts are for the CPU";
  std::vector<caffe::shared_ptr<caffe::Net<float>>> nets;
  for (int i = 0; i < 4; ++i) nets.push_back(NetOfText<float>(kNet, caffe::TEST));
  for (const auto& net : nets) {
    net->ShareTrainedLayersWith(nets[0].get());
    caffe::Blob<float>* x = net->input_blobs()[0];
    for (int i = 0; i < x->count(); ++i) x->mutable_cpu_data()[i] = i % 7 - 3;
  }
  for (int round = 0; round < 10; ++round) {
    // The weights are to be put in order anew, by the threads at the same time.
    for (const auto& weights : nets[0]->params()) weights->mutable_cpu_data()[0] = round;
    std::vector<std::thread> threads;
    for (const auto& net : nets) threads.emplace_back([&net] { net->Forward(); });
    for (std::thread& thread : threads) thread.join();
    for (size_t b = 0; b < nets[0]->blobs().size(); ++b) {
      const caffe::Blob<float>& expected = *nets[0]->blobs()[b];
      for (const auto& net : nets) {
        const float* got = net->blobs()[b]->cpu_data();
        ASSERT_TRUE(std::equal(got, got + expected.count(), expected.cpu_data()))
            << nets[0]->blob_names()[b] << " in round " << round;
      }
    }
  }
}

// Each wants the weights in another order.
TEST(Layouts, OfSharedWeightsLastWhileAnotherThreadWantsOthers) {
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "layouts are for the CPU";
  const auto in_float = NetOfText<float>(kNet, caffe::TEST);
  const auto rounded = NetOfText<float>(std::string("precision: BF16 ") + kNet, caffe::TEST);
  rounded->ShareTrainedLayersWith(in_float.get());
  const auto outputs = [](caffe::Net<float>* net) {
    net->Forward();
    const caffe::Blob<float>* last = net->output_blobs()[0];
    return std::vector<float>(last->cpu_data(), last->cpu_data() + last->count());
  };
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (const auto& net : {in_float, rounded}) {
    caffe::Blob<float>* x = net->input_blobs()[0];
    for (int i = 0; i < x->count(); ++i) x->mutable_cpu_data()[i] = i % 7 - 3;
    const std::vector<float> expected = outputs(net.get());
    threads.emplace_back([=, &wrong, &outputs] {
      for (int pass = 0; pass < 100; ++pass) wrong += outputs(net.get()) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(DropoutLayer, UsesTheSameMaskBackwardInAnyLayout) {
  const auto net = NetOfText<float>(kNet, caffe::TRAIN);
  caffe::caffe_rng_gaussian<float>(net->blob_by_name("x")->count(), 0, 1,
                                   net->blob_by_name("x")->mutable_cpu_data());
  net->ForwardBackward();
  const auto y = net->blob_by_name("drop");
  const auto x = net->blob_by_name("a");
  int dropped = 0;
  for (int i = 0; i < y->count(); ++i) {
    if (x->cpu_data()[i] <= 0 || y->cpu_data()[i] != 0) continue;
    ++dropped;
    ASSERT_EQ(x->cpu_diff()[i], 0) << i;
  }
  EXPECT_GT(dropped, 100);
}

}  // namespace
}  // namespace caffe_test
