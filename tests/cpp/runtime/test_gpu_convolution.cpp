// Kernels of convolutions on the GPU that no layer shows on its own: values channels-last, and the
// ReLU behind the bias.

#include <gtest/gtest.h>

#include "caffe/common.hpp"

#ifndef CPU_ONLY

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <thread>

#include "caffe/syncedmem.hpp"
#include "cudnn/convolution.hpp"
#include "errors.hpp"
#include "gpu/bias.hpp"
#include "gpu/depthwise.hpp"
#include "gpu/winograd.hpp"
#include "util/bfloat16.hpp"
#include "util/float16.hpp"

#if __has_include(<refusals.hpp>)
#include <refusals.hpp>
#define IS_EMULATED
#endif

namespace caffe_test {
namespace {

using caffe::BFloat16;
using caffe::Blob;
using caffe::ConvolutionGeometry;
using caffe::Product;

bool OnGpu() { return caffe::Caffe::mode() == caffe::Caffe::GPU; }

std::vector<double> Normal(size_t count, int seed = 1701) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> distribution;
  std::vector<double> values(count);
  for (double& value : values) value = distribution(generator);
  return values;
}

/// Values on the GPU.
template <typename T>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<double>& values) : memory_(values.size() * sizeof(T)) {
    T* to = static_cast<T*>(memory_.mutable_cpu_data());
    for (size_t i = 0; i < values.size(); ++i) to[i] = static_cast<float>(values[i]);
  }
  T* get() { return static_cast<T*>(memory_.mutable_gpu_data()); }
  std::vector<double> Read() {
    const T* from = static_cast<const T*>(memory_.cpu_data());
    return std::vector<double>(from, from + memory_.size() / sizeof(T));
  }

 private:
  caffe::SyncedMemory memory_;
};

// ---- channels-last ----

/// num x channels x area values in plain order, channels-last; or back.
std::vector<double> Transposed(const std::vector<double>& values, int num, int rows) {
  const size_t columns = values.size() / num / rows;
  std::vector<double> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t n = i / (rows * columns), row = i / columns % rows, column = i % columns;
    result[(n * columns + column) * rows + row] = values[i];
  }
  return result;
}

size_t ImageCount(const ConvolutionGeometry& g) {
  return size_t(g.num) * g.groups * g.image[0] * g.image[1];
}
size_t FeatureCount(const ConvolutionGeometry& g) {
  return size_t(g.num) * g.groups * g.features[0] * g.features[1];
}

/// Image, features and weights' diff that the products give, all in plain order.
template <typename T, typename Weight>
std::vector<std::vector<double>> Products(const ConvolutionGeometry& g, bool channels_last) {
  const std::vector<double> image = Normal(ImageCount(g)), features = Normal(FeatureCount(g));
  const std::vector<double> weights = Normal(size_t(g.groups) * g.kernel[0] * g.kernel[1]);
  const auto ordered = [&](const std::vector<double>& plain) {
    return channels_last ? Transposed(plain, g.num, g.groups) : plain;
  };
  OnDevice<T> x(ordered(image)), y(ordered(features)), dx(image), dy(features);
  OnDevice<Weight> w(channels_last ? Transposed(weights, 1, g.groups) : weights), dw(weights);
  const caffe::DepthwiseOnGpu<T, Weight> products(g, channels_last);
  products.ToFeatures(x.get(), w.get(), dy.get());
  products.ToImage(y.get(), w.get(), dx.get());
  products.ToWeights(x.get(), y.get(), false, dw.get());
  products.ToWeights(x.get(), y.get(), true, dw.get());
  const auto in_plain_order = [&](const std::vector<double>& values, int area) {
    return channels_last ? Transposed(values, g.num, area) : values;
  };
  return {in_plain_order(dy.Read(), g.features[0] * g.features[1]),
          in_plain_order(dx.Read(), g.image[0] * g.image[1]), dw.Read()};
}

template <typename T, typename Weight>
void ExpectSameInBothOrders(const ConvolutionGeometry& g) {
  // The sums are taken over the same pieces in the same order.
  EXPECT_EQ((Products<T, Weight>(g, false)), (Products<T, Weight>(g, true)));
}

TEST(DepthwiseOnGpu, IsTheSameInPlainOrderAndChannelsLast) {
  if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  ConvolutionGeometry g;
  g.num = 2;
  const auto set = [](int(&pair)[2], int down, int right) {
    pair[0] = down;
    pair[1] = right;
  };
  set(g.image, 13, 18);
  set(g.kernel, 3, 5);
  set(g.stride, 2, 3);
  set(g.pad, 1, 4);
  set(g.dilation, 3, 2);
  for (int i = 0; i < 2; ++i) {
    g.features[i] =
        (g.image[i] + 2 * g.pad[i] - g.dilation[i] * (g.kernel[i] - 1) - 1) / g.stride[i] + 1;
  }
  // One by one, and several channels at once.
  for (const int channels : {5, 16}) {
    g.groups = g.image_channels = g.feature_channels = channels;
    ExpectSameInBothOrders<float, float>(g);
    ExpectSameInBothOrders<double, double>(g);
    ExpectSameInBothOrders<BFloat16, float>(g);
    ExpectSameInBothOrders<caffe::Float16, float>(g);
  }
}

// So large that a thread has several columns in plain order, and one in channels-last.
TEST(DepthwiseOnGpu, IsTheSameWithManyResults) {
  if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  ConvolutionGeometry g;
  g.groups = g.image_channels = g.feature_channels = 8;
  for (const bool enlarges : {true, false}) {
    for (int i = 0; i < 2; ++i) {
      g.kernel[i] = enlarges ? 8 : 3;
      g.stride[i] = enlarges ? 4 : 1;
      g.pad[i] = enlarges ? 2 : 1;
      g.features[i] = enlarges ? 91 : 363;
      g.image[i] = enlarges ? 364 : 363;
    }
    ExpectSameInBothOrders<BFloat16, float>(g);
  }
}

// ---- Winograd's tiles ----

/// One product of a convolution, term by term: calls add(image, features, weight) with the places
/// of all triples of values that meet.
template <typename Add>
void ForTerms(const ConvolutionGeometry& g, const Add& add) {
  const auto at = [](int n, int channels, int c, const int(&size)[2], int y, int x) {
    return ((n * channels + c) * size[0] + y) * size[1] + x;
  };
  for (int n = 0; n < g.num; ++n) {
    for (int k = 0; k < g.feature_channels; ++k) {
      for (int c = 0; c < g.image_channels; ++c) {
        for (int tap = 0; tap < 9; ++tap) {
          for (int y = 0; y < g.features[0]; ++y) {
            for (int x = 0; x < g.features[1]; ++x) {
              const int row = y - g.pad[0] + tap / 3 * g.dilation[0];
              const int column = x - g.pad[1] + tap % 3 * g.dilation[1];
              if (row < 0 || row >= g.image[0] || column < 0 || column >= g.image[1]) continue;
              add(at(n, g.image_channels, c, g.image, row, column),
                  at(n, g.feature_channels, k, g.features, y, x),
                  (k * g.image_channels + c) * 9 + tap);
            }
          }
        }
      }
    }
  }
}

void ExpectNear(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-5 * largest) << i;
}

/// Values of a convolution with 3x3 taps, and its three products.
struct Terms {
  explicit Terms(const ConvolutionGeometry& g)
      : image(Normal(size_t(g.num) * g.image_channels * g.image[0] * g.image[1], 1)),
        features(Normal(size_t(g.num) * g.feature_channels * g.features[0] * g.features[1], 2)),
        weights(Normal(size_t(9) * g.feature_channels * g.image_channels, 3)),
        y(features.size()),
        dx(image.size()),
        dw(weights.size()) {
    ForTerms(g, [&](int of_image, int of_features, int weight) {
      y[of_features] += image[of_image] * weights[weight];
      dx[of_image] += features[of_features] * weights[weight];
      dw[weight] += image[of_image] * features[of_features];
    });
  }

  std::vector<double> image, features, weights, y, dx, dw;
};

ConvolutionGeometry Of3x3Taps(int num, int ins, int outs, const int (&image)[2],
                              const int (&pad)[2], const int (&dilation)[2]) {
  ConvolutionGeometry g;
  g.num = num;
  g.image_channels = ins;
  g.feature_channels = outs;
  for (int i = 0; i < 2; ++i) {
    g.kernel[i] = 3;
    g.image[i] = image[i];
    g.pad[i] = pad[i];
    g.dilation[i] = dilation[i];
    g.features[i] = image[i] + 2 * pad[i] - 2 * dilation[i];
  }
  return g;
}

void ExpectProductsOfTiles(const ConvolutionGeometry& g, std::size_t memory, int turns,
                           bool pieces) {
  const Terms terms(g);
  OnDevice<float> x(terms.image), dy(terms.features), w(terms.weights), y(terms.features),
      dx(terms.image), dw(terms.weights);
  const caffe::WinogradOnGpu forward(g, Product::kToFeatures, memory),
      back(g, Product::kToImage, memory), to_weights(g, Product::kToWeights, memory);
  EXPECT_EQ(forward.turns(), turns);
  EXPECT_EQ(to_weights.turns(), turns);
  // Each piece has taps of its own.
  EXPECT_EQ(to_weights.workspace() > forward.workspace(), pieces);
  caffe::SyncedMemory workspace(std::max(to_weights.workspace(), back.workspace()));
  void* const memory_of_tiles = workspace.mutable_gpu_data();
  forward.Convolve(x.get(), w.get(), y.get(), memory_of_tiles);
  back.Convolve(dy.get(), w.get(), dx.get(), memory_of_tiles);
  ExpectNear(y.Read(), terms.y);
  ExpectNear(dx.Read(), terms.dx);
  std::vector<double> expected = terms.dw;
  for (const bool add : {false, true}) {
    to_weights.ToWeights(x.get(), dy.get(), add, dw.get(), memory_of_tiles);
    ExpectNear(dw.Read(), expected);
    for (double& value : expected) value *= 2;
  }
}

TEST(WinogradOnGpu, ComputesTheProductsOfAConvolution) {
  if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  const struct {
    int num, ins, outs, image[2], pad[2], dilation[2];
    std::size_t memory;
    int turns;
    bool pieces;
  } cases[] = {
      {2, 3, 5, {8, 12}, {1, 1}, {1, 1}, 1 << 20, 1, false},  // rows in whole packs
      {1, 7, 2, {9, 11}, {0, 2}, {1, 1}, 1 << 20, 1, false},
      {3, 5, 6, {31, 29}, {1, 1}, {1, 1}, 60000, 6, false},  // the last turn has empty columns
      {2, 4, 3, {17, 26}, {2, 3}, {2, 3}, 1 << 20, 1, false},
      {1, 2, 2, {14, 23}, {4, 5}, {1, 2}, 0, 2, false},         // pads beyond the kernel, no memory
      {2, 2, 3, {150, 141}, {1, 1}, {1, 1}, 1000000, 2, true},  // as have the last pieces
      {1, 1, 2, {101, 190}, {1, 2}, {1, 2}, 1 << 22, 1, true},
      {1, 1, 1, {3, 3}, {0, 0}, {1, 1}, 1 << 20, 1, false}};
  for (const auto& c : cases) {
    const ConvolutionGeometry g = Of3x3Taps(c.num, c.ins, c.outs, c.image, c.pad, c.dilation);
    ASSERT_TRUE(caffe::WinogradOnGpu::Suits(g));
    ExpectProductsOfTiles(g, c.memory, c.turns, c.pieces);
  }
}

TEST(WinogradOnGpu, WritesMemoryThatIsNotAligned) {
  if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  const ConvolutionGeometry g = Of3x3Taps(1, 2, 2, {8, 8}, {1, 1}, {1, 1});
  const Terms terms(g);
  std::vector<double> longer = terms.features;
  longer.push_back(7);
  OnDevice<float> x(terms.image), w(terms.weights), y(longer);
  const caffe::WinogradOnGpu tiles(g, Product::kToFeatures, 0);
  caffe::SyncedMemory workspace(tiles.workspace());
  tiles.Convolve(x.get(), w.get(), y.get() + 1, workspace.mutable_gpu_data());
  const std::vector<double> got = y.Read();
  ExpectNear({got.begin() + 1, got.end()}, terms.y);
}

TEST(WinogradOnGpu, SuitsSingleStepsOf3x3Taps) {
  const ConvolutionGeometry g = Of3x3Taps(1, 8, 8, {10, 10}, {1, 1}, {1, 1});
  EXPECT_TRUE(caffe::WinogradOnGpu::Suits(g));
  // A tile for each of so many places would have one pixel, or none.
  for (const int apart : {11, 46341, 65536}) {
    EXPECT_FALSE(caffe::WinogradOnGpu::Suits(Of3x3Taps(1, 8, 8, {10, 10}, {apart, 1}, {apart, 1})));
  }
  ConvolutionGeometry other = g;
  other.groups = 2;
  EXPECT_FALSE(caffe::WinogradOnGpu::Suits(other));
  other = g;
  other.stride[1] = 2;
  EXPECT_FALSE(caffe::WinogradOnGpu::Suits(other));
  other = g;
  other.kernel[0] = 5;
  EXPECT_FALSE(caffe::WinogradOnGpu::Suits(other));
}

// ---- bias ----

TEST(BiasOnGpu, IsAddedAndSummedUpForEachChannel) {
  if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  // In packs of 16 bytes, and one by one.
  for (const int inner : {12, 7}) {
    const int num = 3, channels = 5;
    const std::vector<double> values = Normal(num * channels * inner);
    const std::vector<double> bias = Normal(channels);
    OnDevice<float> y(values), rectified(values), x(values), b(bias), sums(bias);
    caffe::AddBiasOnGpu(num, channels, inner, b.get(), 0.25f, y.get());
    caffe::AddBiasOnGpu<float>(num, channels, inner, nullptr, 0, rectified.get());
    caffe::AddBiasDiffOnGpu(num, channels, inner, x.get(), sums.get());
    std::vector<double> expected_sums = b.Read();
    const std::vector<double> rounded = x.Read(), got = y.Read(), got_rectified = rectified.Read();
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t c = i / inner % channels;
      expected_sums[c] += rounded[i];
      const double sum = values[i] + bias[c];
      EXPECT_NEAR(got[i], sum > 0 ? sum : 0.25 * sum, 1e-6);
      EXPECT_EQ(got_rectified[i], std::max(0.0, rounded[i]));
    }
    const std::vector<double> got_sums = sums.Read();
    for (int c = 0; c < channels; ++c) EXPECT_NEAR(got_sums[c], expected_sums[c], 1e-5);
  }
}

#ifdef USE_CUDNN

TEST(ConvolutionOnGpu, RectifiesItsFeatures) {
  if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  ConvolutionGeometry g;
  g.num = 3;
  g.feature_channels = 4;
  // With a kernel of ours, and with cuDNN.
  for (const int groups : {4, 1}) {
    g.groups = groups;
    g.image_channels = groups == 1 ? 2 : groups;
    g.image[0] = g.features[0] = 5;
    g.image[1] = g.features[1] = 6;
    Blob<float> image(g.num, g.image_channels, 5, 6), weights(4, g.image_channels / groups, 1, 1);
    Blob<float> bias(1, 4, 1, 1), plain(g.num, 4, 5, 6), rectified(g.num, 4, 5, 6);
    for (Blob<float>* blob : {&image, &weights, &bias}) {
      const std::vector<double> values = Normal(blob->count());
      std::copy(values.begin(), values.end(), blob->mutable_cpu_data());
    }
    const auto run = [&](float slope, Blob<float>* features) {
      g.relu_slope = slope;
      caffe::cudnn::CreateConvolution<float>(g)->ToFeatures(
          {&image, caffe::Part::kData}, {&weights, &bias}, {features, caffe::Part::kData});
    };
    run(1, &plain);
    run(0.25, &rectified);
    int negative = 0;
    for (int i = 0; i < plain.count(); ++i) {
      const float before = plain.cpu_data()[i];
      negative += before < 0;
      EXPECT_EQ(rectified.cpu_data()[i], before > 0 ? before : before * 0.25f);
    }
    EXPECT_GT(negative, 0);
  }
}

#ifdef IS_EMULATED

class OnlyWays : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!OnGpu()) GTEST_SKIP() << "computes on a GPU";
  }
  void TearDown() override {
    emulated_cuda::MayConvolve(true);
    emulated_cuda::MayStartCublas(true);
    unsetenv("CAFFE_WINOGRAD");
  }

  static void ExpectProducts(const ConvolutionGeometry& g, bool of_weights) {
    const Terms terms(g);
    const auto blob = [](int num, int channels, const int(&size)[2],
                         const std::vector<double>& values) {
      auto made = std::make_unique<Blob<float>>(num, channels, size[0], size[1]);
      std::copy(values.begin(), values.end(), made->mutable_cpu_data());
      std::copy(values.begin(), values.end(), made->mutable_cpu_diff());
      return made;
    };
    const auto image = blob(g.num, g.image_channels, g.image, terms.image);
    const auto features = blob(g.num, g.feature_channels, g.features, terms.features);
    const auto weights = blob(g.feature_channels, g.image_channels, g.kernel, terms.weights);
    std::fill_n(weights->mutable_cpu_diff(), weights->count(), 0.f);
    const auto products = caffe::cudnn::CreateConvolution<float>(g);
    const caffe::dnn::Values<float> x = {image.get(), caffe::Part::kData},
                                    dy = {features.get(), caffe::Part::kDiff};
    products->ToFeatures(x, {weights.get()}, {features.get(), caffe::Part::kData});
    products->ToImage(dy, *weights, {image.get(), caffe::Part::kDiff});
    const auto read = [](const float* from, int count) {
      return std::vector<double>(from, from + count);
    };
    ExpectNear(read(features->cpu_data(), features->count()), terms.y);
    ExpectNear(read(image->cpu_diff(), image->count()), terms.dx);
    if (!of_weights) return;
    for (int pass = 0; pass < 2; ++pass) products->AddWeightDiff(x, dy, weights.get(), nullptr);
    std::vector<double> twice = terms.dw;
    for (double& value : twice) value *= 2;
    ExpectNear(read(weights->cpu_diff(), weights->count()), twice);
  }
};

TEST_F(OnlyWays, TilesComputeWhatCudnnCannot) {
  emulated_cuda::MayConvolve(false);
  ExpectProducts(Of3x3Taps(2, 3, 4, {12, 10}, {1, 1}, {1, 1}), true);
}

TEST_F(OnlyWays, TilesCanBeTurnedOff) {
  emulated_cuda::MayConvolve(false);
  setenv("CAFFE_WINOGRAD", "0", 1);
  EXPECT_ERROR_NAMES(ExpectProducts(Of3x3Taps(2, 4, 4, {12, 10}, {1, 1}, {1, 1}), true),
                     "engine: CAFFE");
}

TEST_F(OnlyWays, CudnnComputesWhereCublasDoesNotStart) {
  emulated_cuda::MayStartCublas(false);
  int device = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  // In a thread of its own, which has not started it yet. (Sums of weights' diffs may need cuBLAS.)
  std::thread([&] {
    CUDA_CHECK(cudaSetDevice(device));
    caffe::Caffe::set_mode(caffe::Caffe::GPU);
    EXPECT_NO_THROW(ExpectProducts(Of3x3Taps(2, 4, 3, {10, 12}, {1, 1}, {1, 1}), false));
  }).join();
}

#endif  // IS_EMULATED

#endif  // USE_CUDNN

}  // namespace
}  // namespace caffe_test

#endif  // CPU_ONLY
