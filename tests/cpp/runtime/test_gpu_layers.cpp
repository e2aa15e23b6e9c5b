// On a GPU, what cuDNN computes and what our kernels do instead are the CPU's numbers. (Without one
// the same layers are compared with themselves in double.)

#include <thread>

#include <gtest/gtest.h>

#include "caffe/util/im2col.hpp"
#include "same_as_reference.hpp"

namespace caffe_test {
namespace {

const char* const kEngines[] = {"", "engine: CAFFE", "engine: CUDNN"};

void ExpectSameWithAnyEngine(const std::string& type, const std::string& param,
                             const std::string& fields, const Shapes& shapes,
                             bool in_place = false) {
  for (const char* engine : kEngines) {
    for (const auto phase : {caffe::TRAIN, caffe::TEST}) {
      ExpectSameAsReference("type: '" + type + "' " + param + " { " + fields + " " + engine + " }",
                            shapes, 1, in_place, phase);
    }
  }
}

TEST(AnyEngine, PoolsAlike) {
  // Windows that fit, that overlap, that lie in the padding, and (the last but two) stick out.
  for (const char* windows :
       {"kernel_size: 2 stride: 2", "kernel_size: 3 stride: 2 pad: 1", "kernel_size: 3 pad: 1",
        "kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2",
        "kernel_size: 3 stride: 2", "kernel_size: 4 stride: 3 pad: 2", "global_pooling: true"}) {
    for (const char* method : {"pool: MAX ", "pool: AVE "}) {
      ExpectSameWithAnyEngine("Pooling", "pooling_param", std::string(method) + windows,
                              {{2, 3, 8, 10}});
    }
  }
  ExpectSameWithAnyEngine("Pooling", "pooling_param",
                          "pool: AVE kernel_size: 3 stride: 2 round_mode: FLOOR", {{2, 3, 8, 10}});
}

TEST(AnyEngine, KeepsWhatTheGradientOfPoolingNeeds) {
  // A layer in place behind it overwrites its result.
  for (const char* engine : kEngines) {
    const std::string text = "type: 'Pooling' pooling_param { kernel_size: 3 stride: 2 pad: 1 " +
                             std::string(engine) + " }";
    LayerRun<float> kept(text, {{2, 3, 7, 9}}), overwritten(text, {{2, 3, 7, 9}});
    kept.Forward();
    overwritten.Forward();
    Blob<float>& top = *overwritten.top[0];
    caffe::caffe_set(top.count(), 5.f, top.mutable_cpu_data());
    kept.Backward({true});
    overwritten.Backward({true});
    for (int i = 0; i < kept.bottom[0]->count(); ++i) {
      ASSERT_EQ(kept.bottom[0]->cpu_diff()[i], overwritten.bottom[0]->cpu_diff()[i]) << i;
    }
  }
}

TEST(AnyEngine, TakesTheSoftmaxAlike) {
  ExpectSameWithAnyEngine("Softmax", "softmax_param", "", {{2, 5, 3, 4}});
  ExpectSameWithAnyEngine("Softmax", "softmax_param", "axis: 2", {{2, 5, 3, 4}}, true);
  ExpectSameWithAnyEngine("Softmax", "softmax_param", "axis: -1", {{3, 17}});
}

TEST(AnyEngine, NormalisesChannelsAlike) {
  ExpectSameWithAnyEngine("LRN", "lrn_param", "local_size: 5 alpha: 0.1 beta: 0.75 k: 2",
                          {{2, 7, 3, 4}});
  ExpectSameWithAnyEngine("LRN", "lrn_param", "local_size: 17 alpha: 0.5", {{2, 20, 3, 2}});
  ExpectSameWithAnyEngine("LRN", "lrn_param", "local_size: 3 norm_region: WITHIN_CHANNEL",
                          {{2, 3, 5, 6}});
}

TEST(AnyEngine, NormalisesBatchesAlike) {
  for (const char* engine : kEngines) {
    const std::string text = "type: 'BatchNorm' batch_norm_param { moving_average_fraction: 0.9 " +
                             std::string(engine) + " }";
    for (const bool in_place : {false, true}) {
      ExpectSameAsReference(text, {{3, 4, 5, 6}}, 1, in_place);
      ExpectSameAsReference(text, {{7, 5}}, 1, in_place);
    }
  }
}

// Loss and gradient of a layer whose first bottom is positive and whose second holds labels.
std::vector<double> LossAndGradient(const std::string& layer, const Shapes& shapes,
                                    caffe::Caffe::Brew mode) {
  const InMode in_mode(mode);
  const auto values = [](double normal, int b, int i) {
    return b == 1 ? i % 3 : 0.1 + std::fabs(normal);
  };
  LayerRun<double> run(layer, shapes, 1, false, values);
  std::vector<double> found = {run.Forward()};
  run.Backward({true, false, false});
  const double* diff = run.bottom[0]->cpu_diff();
  found.insert(found.end(), diff, diff + run.bottom[0]->count());
  return found;
}

TEST(ClassLosses, AreTheSameOnEveryDevice) {
  const auto mode = caffe::Caffe::mode();
  const auto expect_same = [&](const std::string& layer, const Shapes& shapes) {
    const auto expected = LossAndGradient(layer, shapes, caffe::Caffe::CPU);
    const auto found = LossAndGradient(layer, shapes, mode);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-9) << layer;
  };
  expect_same("type: 'HingeLoss'", {{7, 3}, {7}});
  expect_same("type: 'HingeLoss' hinge_loss_param { norm: L2 }", {{7, 3, 2}, {7}});
  expect_same("type: 'MultinomialLogisticLoss'", {{7, 3}, {7}});
  expect_same("type: 'InfogainLoss' loss_param { ignore_label: 1 }",
              {{2, 3, 4, 5}, {2, 4, 5}, {3, 3}});
  expect_same("type: 'SoftmaxWithLoss' loss_param { normalization: FULL }", {{2, 3, 4}, {2, 4}});
}

#ifndef CPU_ONLY

TEST(GpuRandomNumbers, AreThoseOfTheSeedWhicheverModeItWasSetIn) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "for a GPU";
  const auto drawn = [](caffe::Caffe::Brew mode) {
    {
      const InMode in_mode(mode);
      caffe::Caffe::set_random_seed(5);
    }
    Blob<float> numbers(std::vector<int>{4});
    caffe::caffe_gpu_rng_uniform<float>(4, 0, 1, numbers.mutable_gpu_data());
    return std::vector<float>(numbers.cpu_data(), numbers.cpu_data() + 4);
  };
  std::vector<float> first;
  // That has no generator yet.
  std::thread([&] {
    caffe::Caffe::set_mode(caffe::Caffe::GPU);
    first = drawn(caffe::Caffe::CPU);
  }).join();
  EXPECT_EQ(drawn(caffe::Caffe::CPU), first);
  EXPECT_EQ(drawn(caffe::Caffe::GPU), first);
}

// Functions for layers of others: ours have theirs in gpu/columns.cuh.
TEST(GpuColumns, AreThoseOfTheCpu) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "for a GPU";
  Blob<float> image(1, 2, 7, 6), columns(1, 2 * 3 * 2, 4, 5), found(columns.shape()),
      back(image.shape()), found_back(image.shape());
  for (int i = 0; i < image.count(); ++i) image.mutable_cpu_data()[i] = i % 11 - 4.f;
  const auto expect_same = [](const Blob<float>& a, const Blob<float>& b) {
    for (int i = 0; i < a.count(); ++i) ASSERT_EQ(a.cpu_data()[i], b.cpu_data()[i]) << i;
  };
  caffe::im2col_cpu(image.cpu_data(), 2, 7, 6, 3, 2, 2, 1, 2, 1, 2, 3, columns.mutable_cpu_data());
  caffe::col2im_cpu(columns.cpu_data(), 2, 7, 6, 3, 2, 2, 1, 2, 1, 2, 3, back.mutable_cpu_data());
  caffe::im2col_gpu(image.gpu_data(), 2, 7, 6, 3, 2, 2, 1, 2, 1, 2, 3, found.mutable_gpu_data());
  expect_same(columns, found);
  caffe::col2im_gpu(columns.gpu_data(), 2, 7, 6, 3, 2, 2, 1, 2, 1, 2, 3,
                    found_back.mutable_gpu_data());
  expect_same(back, found_back);

  // Image, columns, kernel, pad, stride, dilation.
  const int shapes[][3] = {{2, 7, 6}, {12, 4, 5}, {3, 2}, {2, 1}, {2, 1}, {2, 3}};
  Blob<int> on_gpu[6];
  for (int k = 0; k < 6; ++k) {
    on_gpu[k].Reshape(std::vector<int>{k < 2 ? 3 : 2});
    std::copy(shapes[k], shapes[k] + on_gpu[k].count(), on_gpu[k].mutable_cpu_data());
  }
  const auto at = [&](int k) { return on_gpu[k].gpu_data(); };
  caffe::im2col_nd_gpu(image.gpu_data(), 2, columns.count(), at(0), at(1), at(2), at(3), at(4),
                       at(5), found.mutable_gpu_data());
  expect_same(columns, found);
  caffe::col2im_nd_gpu(columns.gpu_data(), 2, image.count(), at(0), at(1), at(2), at(3), at(4),
                       at(5), found_back.mutable_gpu_data());
  expect_same(back, found_back);
}

#endif  // CPU_ONLY

}  // namespace
}  // namespace caffe_test
