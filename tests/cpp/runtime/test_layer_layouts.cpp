// Layers on blobs in every order of channels: blocks, channels-last, of floats and of bfloat16.

#include <numeric>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/layout_count.hpp"
#include "core/outermost_run.hpp"
#include "layer_case.hpp"
#include "layers/host_window_places.hpp"
#include "util/device_layout.hpp"

namespace caffe_test {
namespace {

using caffe::Caffe;
using caffe::ChannelLayout;
using caffe::Element;
using caffe::Part;
using caffe::Place;

struct Order {
  const char* name;
  int block;  // 0: all channels
  Element element;
};

const Order kOrders[] = {
    {"blocks of 8", 8, Element::kFloat},
    {"blocks of 16", 16, Element::kFloat},
    {"channels-last", 0, Element::kFloat},
    {"blocks of 16 bfloat16", 16, Element::kBFloat16},
    {"channels-last bfloat16", 0, Element::kBFloat16},
};

// Numbers that bfloat16 holds; with many equal ones, as behind a ReLU.
std::vector<float> Numbers(int count, int seed) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i)
    values[i] = std::max(-20, (i * 7919 + seed * 31) % 101 - 50) / 8.f;
  return values;
}

// The GPU has no blocks.
std::vector<Order> Orders() {
  std::vector<Order> orders;
  for (const Order& order : kOrders) {
    if (Caffe::mode() == Caffe::CPU || order.block == 0) orders.push_back(order);
  }
  return orders;
}

ChannelLayout LayoutOf(const caffe::Blob<float>& blob, const Order& order) {
  ChannelLayout layout = caffe::PlainLayout(blob).WithElement(order.element);
  layout.block = order.block ? order.block : layout.channels;
  return layout;
}

#ifndef CPU_ONLY
void ArrangeOnGpu(const ChannelLayout& layout, Part part, caffe::Blob<float>* blob) {
  const void* values = caffe::ReadBytes(layout, *blob, part, Place::kGpu);
  caffe::Blob<float> copy(blob->shape());
  void* kept = caffe::WriteBytes(layout, &copy, part, Place::kGpu);
  CUDA_CHECK(cudaMemcpyAsync(kept, values, layout.bytes(), cudaMemcpyDeviceToDevice,
                             caffe::ThreadStream()));
  (part == Part::kData ? blob->data() : blob->diff())
      ->set_layout((part == Part::kData ? copy.data() : copy.diff())->layout());
}
#endif

// Moves half of a blob into an order.
void Arrange(const Order& order, Part part, caffe::Blob<float>* blob) {
  const ChannelLayout plain = caffe::PlainLayout(*blob), layout = LayoutOf(*blob, order);
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) return ArrangeOnGpu(layout, part, blob);
#endif
  const float* values = part == Part::kData ? blob->cpu_data() : blob->cpu_diff();
  const std::vector<float> copy(values, values + blob->count());
  caffe::Reorder(plain, copy.data(), layout, caffe::WriteBytes(layout, blob, part));
}

// On the GPU: a layer that fell back to plain order would give the same numbers.
void ExpectKept(const Order* order, Part part, const caffe::Blob<float>& blob) {
  if (!order || Caffe::mode() == Caffe::CPU) return;
  const ChannelLayout layout = caffe::StoredLayout(blob, part, Place::kGpu);
  EXPECT_EQ(layout.block, blob.shape(1)) << order->name;
  EXPECT_EQ(int(layout.element), int(order->element)) << order->name;
}

// Results of a layer whose bottoms and top diffs come in some order (none: plain).
struct Results {
  std::vector<std::vector<float>> tops, diffs;
};

const Shape kShape = {2, 48, 9, 12};

Results Run(const std::string& prototxt, int bottoms, int tops, const Order* order,
            const Shape& shape) {
  // As in a net: what runs by itself leaves its results in plain order.
  const caffe::OutermostRun net;
  LayerCase<float> layer(prototxt, tops);
  const int count = shape[0] * shape[1] * shape[2] * shape[3];
  for (int i = 0; i < bottoms; ++i) layer.Bottom(shape, Numbers(count, i));
  layer.layer->SetUp(layer.bottom, layer.top);
  if (order) {
    for (auto* bottom : layer.bottom) Arrange(*order, Part::kData, bottom);
  }
  layer.layer->Forward(layer.bottom, layer.top);
  ExpectKept(order, Part::kData, *layer.top[0]);
  for (int i = 0; i < tops; ++i) {
    const auto diff = Numbers(layer.top[i]->count(), 100 + i);
    std::copy(diff.begin(), diff.end(), layer.top[i]->mutable_cpu_diff());
    if (order) Arrange(*order, Part::kDiff, layer.top[i]);
  }
  layer.layer->Backward(layer.top, std::vector<bool>(bottoms, true), layer.bottom);
  for (auto* bottom : layer.bottom) ExpectKept(order, Part::kDiff, *bottom);
  Results results;
  for (int i = 0; i < tops; ++i) results.tops.push_back(layer.Values(i));
  for (int i = 0; i < bottoms; ++i) results.diffs.push_back(layer.Diff(i));
  return results;
}

void ExpectSame(const std::vector<std::vector<float>>& got,
                const std::vector<std::vector<float>>& expected, double tolerance,
                const std::string& what) {
  for (size_t b = 0; b < expected.size(); ++b) {
    double largest = 1;
    for (const float value : expected[b]) largest = std::max<double>(largest, std::abs(value));
    for (size_t i = 0; i < expected[b].size(); ++i) {
      ASSERT_NEAR(got[b][i], expected[b][i], tolerance * largest)
          << what << " " << b << " at " << i;
    }
  }
}

void ExpectPlainResults(const std::string& prototxt, int bottoms = 1, int tops = 1,
                        const Shape& shape = kShape) {
  const Results expected = Run(prototxt, bottoms, tops, nullptr, shape);
  for (const Order& order : Orders()) {
    const double tolerance = order.element == Element::kFloat ? 1e-5 : 1. / 64;
    const Results got = Run(prototxt, bottoms, tops, &order, shape);
    ExpectSame(got.tops, expected.tops, tolerance, std::string(order.name) + ", top");
    ExpectSame(got.diffs, expected.diffs, tolerance, std::string(order.name) + ", diff of bottom");
  }
}

TEST(AnyOrderOfChannels, CanBeMadeFromAnyOther) {
  if (Caffe::mode() == Caffe::GPU) GTEST_SKIP() << "another test's for the GPU";
  const auto values = Numbers(2 * 48 * 9 * 12, 1);
  for (const Order& first : kOrders) {
    for (const Order& second : kOrders) {
      caffe::Blob<float> blob(2, 48, 9, 12);
      std::copy(values.begin(), values.end(), blob.mutable_cpu_data());
      Arrange(first, Part::kData, &blob);
      const ChannelLayout from = caffe::StoredLayout(blob), to = LayoutOf(blob, second);
      std::vector<char> moved(to.bytes());
      caffe::Reorder(from, caffe::ReadBytes(from, blob, Part::kData), to, moved.data());
      std::vector<float> plain(values.size());
      caffe::Reorder(to, moved.data(), to.Plain(), plain.data());
      ASSERT_EQ(plain, values) << first.name << " to " << second.name;
    }
  }
}

#ifndef CPU_ONLY
TEST(ChannelsLastOnGpu, KeepsTheValuesInAnyShape) {
  if (Caffe::mode() == Caffe::CPU) GTEST_SKIP() << "needs a GPU";
  for (const Shape& shape : {Shape{2, 48, 9, 12}, Shape{1, 3, 33, 65}, Shape{3, 5}, Shape{40}}) {
    for (const Element element : {Element::kFloat, Element::kBFloat16}) {
      caffe::Blob<float> blob(shape);
      const auto values = Numbers(blob.count(), 1);
      std::copy(values.begin(), values.end(), blob.mutable_cpu_data());
      ArrangeOnGpu(caffe::ChannelsLast(blob, element), Part::kData, &blob);
      ASSERT_EQ(caffe::StoredLayout(blob, Part::kData, Place::kGpu).element, element);
      ASSERT_TRUE(caffe::StoredLayout(blob).plain());
      // From the one element to the other, and back to plain order.
      const auto other = element == Element::kFloat ? Element::kBFloat16 : Element::kFloat;
      ArrangeOnGpu(caffe::ChannelsLast(blob, other), Part::kData, &blob);
      ASSERT_EQ(std::vector<float>(blob.cpu_data(), blob.cpu_data() + blob.count()), values);
    }
  }
}
#endif

TEST(AnyOrderOfChannels, MaxPoolingOfTiles) {
  ExpectPlainResults("type: 'Pooling' pooling_param { kernel_size: 3 stride: 3 }");
}

TEST(AnyOrderOfChannels, MaxPoolingOfTilesAtTheEdge) {
  ExpectPlainResults("type: 'Pooling' pooling_param { kernel_size: 2 stride: 2 }");
}

TEST(AnyOrderOfChannels, MaxPoolingOfOverlappingWindows) {
  ExpectPlainResults("type: 'Pooling' pooling_param { kernel_size: 3 stride: 2 pad: 1 }");
}

TEST(AnyOrderOfChannels, MaxPoolingWithItsMask) {
  ExpectPlainResults("type: 'Pooling' pooling_param { kernel_size: 3 stride: 3 }", 1, 2);
}

TEST(AnyOrderOfChannels, AveragePooling) {
  ExpectPlainResults("type: 'Pooling' pooling_param { pool: AVE kernel_size: 3 stride: 2 }");
}

TEST(AnyOrderOfChannels, AverageOfThePlane) {
  ExpectPlainResults("type: 'Pooling' pooling_param { pool: AVE global_pooling: true }");
}

TEST(AnyOrderOfChannels, FunctionsOfElements) {
  ExpectPlainResults("type: 'ReLU' relu_param { negative_slope: 0.5 }");
  ExpectPlainResults("type: 'TanH'");
}

TEST(AnyOrderOfChannels, BatchNorm) { ExpectPlainResults("type: 'BatchNorm'"); }

// Also of values that only the host has so far.
TEST(BatchNorm, GivesTheSameInPlace) {
  const std::string prototxt = "type: 'BatchNorm' batch_norm_param { use_global_stats: true }";
  const Shape shape = {2, 3, 4, 5};
  LayerCase<float> apart(prototxt), in_place(prototxt);
  for (auto* layer : {&apart, &in_place}) layer->Bottom(shape, Numbers(2 * 3 * 4 * 5, 1));
  in_place.top = in_place.bottom;
  for (auto* layer : {&apart, &in_place}) {
    layer->layer->SetUp(layer->bottom, layer->top);
    for (const auto& blob : layer->layer->blobs()) {
      std::fill_n(blob->mutable_cpu_data(), blob->count(), 2.f);
    }
    layer->layer->Forward(layer->bottom, layer->top);
  }
  EXPECT_EQ(in_place.Values(0), apart.Values(0));
}

TEST(AnyOrderOfChannels, Scale) {
  ExpectPlainResults(
      "type: 'Scale' scale_param { bias_term: true filler { type: 'constant' value: 3 } }");
}

TEST(AnyOrderOfChannels, Bias) {
  ExpectPlainResults("type: 'Bias' bias_param { filler { type: 'constant' value: 3 } }");
}

TEST(AnyOrderOfChannels, SumOfBlobs) {
  ExpectPlainResults("type: 'Eltwise' eltwise_param { coeff: 2 coeff: -1 }", 2);
}

TEST(AnyOrderOfChannels, ProductOfBlobs) {
  ExpectPlainResults("type: 'Eltwise' eltwise_param { operation: PROD }", 2);
  ExpectPlainResults("type: 'Eltwise' eltwise_param { operation: PROD }", 4, 1, {1, 16, 2, 3});
}

TEST(AnyOrderOfChannels, LargestOfBlobs) {
  ExpectPlainResults("type: 'Eltwise' eltwise_param { operation: MAX }", 2);
  ExpectPlainResults("type: 'Eltwise' eltwise_param { operation: MAX }", 4, 1, {1, 16, 2, 3});
}

TEST(AnyOrderOfChannels, PReLU) {
  ExpectPlainResults("type: 'PReLU'");
  ExpectPlainResults("type: 'PReLU' prelu_param { channel_shared: true }");
}

// Cut out of 2 x 48 x 9 x 12 values; only the first bottom has a gradient.
void ExpectCropped(const Order& order, const std::string& param, const Shape& size,
                   const Shape& offset, bool kept) {
  const caffe::OutermostRun net;
  LayerCase<float> layer("type: 'Crop' crop_param { " + param + " }");
  const int count = 2 * 48 * 9 * 12;
  layer.Bottom(kShape, Numbers(count, 1)).Bottom(size);
  layer.layer->SetUp(layer.bottom, layer.top);
  Arrange(order, Part::kData, layer.bottom[0]);
  layer.layer->Forward(layer.bottom, layer.top);
  if (kept) ExpectKept(&order, Part::kData, *layer.top[0]);
  caffe::Blob<float>& top = *layer.top[0];
  const auto diff = Numbers(top.count(), 2);
  std::copy(diff.begin(), diff.end(), top.mutable_cpu_diff());
  Arrange(order, Part::kDiff, &top);
  layer.Backward();
  if (kept) ExpectKept(&order, Part::kDiff, *layer.bottom[0]);
  std::vector<float> cut(top.count()), diff_of_bottom(count);
  for (int i = 0; i < top.count(); ++i) {
    int rest = i, place = 0;
    Shape at(4);
    for (int axis = 3; axis >= 0; --axis) {
      at[axis] = rest % top.shape(axis) + offset[axis];
      rest /= top.shape(axis);
    }
    for (int axis = 0; axis < 4; ++axis) place = place * kShape[axis] + at[axis];
    cut[i] = layer.bottom[0]->cpu_data()[place];
    diff_of_bottom[place] = diff[i];
  }
  ASSERT_EQ(layer.Values(), cut) << order.name << ", " << param;
  ASSERT_EQ(layer.Diff(), diff_of_bottom) << order.name << ", " << param;
}

TEST(AnyOrderOfChannels, Crop) {
  const bool on_gpu = Caffe::mode() == Caffe::GPU;
  for (const Order& order : Orders()) {
    ExpectCropped(order, "offset: 2 offset: 3", {2, 48, 5, 7}, {0, 0, 2, 3}, on_gpu);
    ExpectCropped(order, "axis: 3 offset: 4", {2, 48, 9, 8}, {0, 0, 0, 4}, on_gpu);
    ExpectCropped(order, "axis: 0", {1, 16, 9, 12}, {0, 0, 0, 0}, on_gpu);
    // Not in whole packs.
    ExpectCropped(order, "axis: 1 offset: 3 offset: 1 offset: 0", {2, 32, 8, 12}, {0, 3, 1, 0},
                  on_gpu);
    ExpectCropped(order, "axis: 1 offset: 1", {2, 5, 3, 2}, {0, 1, 1, 1}, false);
  }
}

TEST(AnyOrderOfChannels, Concat) { ExpectPlainResults("type: 'Concat'", 2); }

TEST(AnyOrderOfChannels, Slice) { ExpectPlainResults("type: 'Slice'", 1, 3); }

TEST(AnyOrderOfChannels, Split) { ExpectPlainResults("type: 'Split'", 1, 3); }

TEST(AnyOrderOfChannels, Interp) {
  ExpectPlainResults("type: 'Interp' interp_param { height: 17 width: 5 }");
}

TEST(AnyOrderOfChannels, InterpOfOnePixel) {
  ExpectPlainResults("type: 'Interp' interp_param { height: 17 width: 5 }", 1, 1, {2, 48, 1, 1});
}

// Values go to the places, all different, of their 6 x 10 planes.
void ExpectUpsampled(const Order& order, const std::vector<float>& places) {
  const caffe::OutermostRun net;
  LayerCase<float> layer("type: 'Upsample' upsample_param { scale: 2 }");
  const int count = static_cast<int>(places.size());
  layer.Bottom({2, 48, 3, 5}, Numbers(count, 1)).Bottom({2, 48, 3, 5}, places);
  layer.layer->SetUp(layer.bottom, layer.top);
  Arrange(order, Part::kData, layer.bottom[0]);
  layer.layer->Forward(layer.bottom, layer.top);
  ExpectKept(&order, Part::kData, *layer.top[0]);
  const auto diff = Numbers(layer.top[0]->count(), 2);
  std::copy(diff.begin(), diff.end(), layer.top[0]->mutable_cpu_diff());
  Arrange(order, Part::kDiff, layer.top[0]);
  layer.Backward();
  ExpectKept(&order, Part::kDiff, *layer.bottom[0]);
  std::vector<float> expected(4 * count);
  for (int i = 0; i < count; ++i) {
    const int place = i / 15 * 60 + static_cast<int>(places[i]);
    expected[place] = layer.bottom[0]->cpu_data()[i];
    ASSERT_EQ(layer.bottom[0]->cpu_diff()[i], diff[place]) << order.name;
  }
  ASSERT_EQ(layer.Values(), expected) << order.name;
}

TEST(AnyOrderOfChannels, Upsample) {
  std::vector<float> beside(2 * 48 * 15), anywhere(2 * 48 * 15);
  for (int i = 0; i < 2 * 48 * 15; ++i) {
    beside[i] = i % 15 / 5 * 20 + i % 5 * 2 + i % 2 + i % 3 / 2 * 10;
    anywhere[i] = 59 - beside[i];
  }
  for (const Order& order : Orders()) {
    ExpectUpsampled(order, beside);
    ExpectUpsampled(order, anywhere);
  }
}

// MAX pooling, and what Upsample makes of the values at the places in its mask. The mask may have
// been read in between.
void ExpectPooledAndUpsampled(const Order* order, int kernel, const Shape& shape, bool read) {
  const caffe::OutermostRun net;
  const std::string k = std::to_string(kernel);
  LayerCase<float> pool(
      "type: 'Pooling' pooling_param { kernel_size: " + k + " stride: " + k + " }", 2);
  LayerCase<float> up("type: 'Upsample' upsample_param { upsample_h: " + std::to_string(shape[2]) +
                      " upsample_w: " + std::to_string(shape[3]) + " }");
  const int count = shape[0] * shape[1] * shape[2] * shape[3];
  pool.Bottom(shape, Numbers(count, 1));
  pool.layer->SetUp(pool.bottom, pool.top);
  up.bottom = pool.top;
  up.layer->SetUp(up.bottom, up.top);
  if (order) Arrange(*order, Part::kData, pool.bottom[0]);
  pool.layer->Forward(pool.bottom, pool.top);
  // Beside a byte each: numbers for whoever asks.
  if (read) pool.top[1]->cpu_data();
  up.layer->Forward(up.bottom, up.top);
  const auto diff = Numbers(count, 2);
  std::copy(diff.begin(), diff.end(), up.top[0]->mutable_cpu_diff());
  if (order) Arrange(*order, Part::kDiff, up.top[0]);
  up.Backward();
  const auto pooled_diff = up.Diff();
  if (order) Arrange(*order, Part::kDiff, pool.top[0]);
  pool.Backward();
  const int small = pool.top[0]->shape(2) * pool.top[0]->shape(3), large = shape[2] * shape[3];
  std::vector<float> values(count), diffs(count);
  const auto maxima = pool.Values(0), places = pool.Values(1);
  for (int i = 0; i < static_cast<int>(maxima.size()); ++i) {
    const int place = i / small * large + static_cast<int>(places[i]);
    ASSERT_EQ(pool.bottom[0]->cpu_data()[place], maxima[i]);
    ASSERT_EQ(pooled_diff[i], diff[place]);
    values[place] = maxima[i];
    diffs[place] = diff[place];
  }
  ASSERT_EQ(up.Values(), values);
  ASSERT_EQ(pool.Diff(), diffs);
}

TEST(AnyOrderOfChannels, PoolingAndUpsample) {
  for (const bool read : {false, true}) {
    ExpectPooledAndUpsampled(nullptr, 2, {2, 3, 6, 8}, read);
    ExpectPooledAndUpsampled(nullptr, 2, {2, 3, 7, 5}, read);
    ExpectPooledAndUpsampled(nullptr, 3, {2, 3, 7, 9}, read);
    for (const Order& order : Orders()) {
      ExpectPooledAndUpsampled(&order, 2, {2, 48, 7, 5}, read);
      ExpectPooledAndUpsampled(&order, 3, {1, 48, 8, 6}, read);
    }
  }
}

TEST(Pooling, KeepsItsMaskInBytesWhereChannelsLieInBlocks) {
  if (Caffe::mode() == Caffe::GPU) GTEST_SKIP() << "another test's for the GPU";
  const caffe::OutermostRun net;
  for (const Order& order : Orders()) {
    LayerCase<float> pool("type: 'Pooling' pooling_param { kernel_size: 2 stride: 2 }", 2);
    pool.Bottom({2, 16, 7, 5}, Numbers(2 * 16 * 7 * 5, 1));
    pool.layer->SetUp(pool.bottom, pool.top);
    Arrange(order, Part::kData, pool.bottom[0]);
    pool.layer->Forward(pool.bottom, pool.top);
    EXPECT_EQ(caffe::HostPlacesOf(*pool.top[1]) != nullptr, order.block != 8) << order.name;
    // What is written to it counts: the gradient goes to these places.
    std::fill_n(pool.top[1]->mutable_cpu_data(), pool.top[1]->count(), 0.f);
    pool.Backward(std::vector<float>(pool.top[0]->count(), 1));
    const auto diff = pool.Diff();
    EXPECT_EQ(diff[0], 12) << order.name;
    EXPECT_EQ(std::accumulate(diff.begin() + 1, diff.begin() + 35, 0.f), 0) << order.name;
  }
}

#ifndef CPU_ONLY
TEST(PoolingOnGpu, KeepsItsMaskInBytes) {
  if (Caffe::mode() == Caffe::CPU) GTEST_SKIP() << "needs a GPU";
  const caffe::OutermostRun net;
  LayerCase<float> pool("type: 'Pooling' pooling_param { kernel_size: 2 stride: 2 }", 2);
  pool.Bottom({2, 8, 7, 5}, Numbers(2 * 8 * 7 * 5, 1)).Forward();
  caffe::SyncedMemory& mask = *pool.top[1]->data();
  EXPECT_EQ(mask.head(), caffe::SyncedMemory::HEAD_AT_LAYOUT);
  // What is written to it counts: the gradient goes to these places.
  std::fill_n(pool.top[1]->mutable_cpu_data(), pool.top[1]->count(), 0.f);
  pool.Backward(std::vector<float>(pool.top[0]->count(), 1));
  const auto diff = pool.Diff();
  EXPECT_EQ(diff[0], 1);
  EXPECT_EQ(std::accumulate(diff.begin() + 1, diff.begin() + 35, 0.f), 0);
}
#endif

// ---- nets ----

// Its BatchNorm layers take over Scale and ReLU. The slopes are large, since rounding moves values
// from one side of zero to the other.
const char kNet[] = R"(
  force_backward: true
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 12 dim: 16 } } }
  layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
  layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
  layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param {
          bias_term: true filler { value: 2 } bias_filler { value: 0.5 } } }
  layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1"
          relu_param { negative_slope: 0.75 } }
  layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2" convolution_param {
          num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
  layer { name: "bn2" type: "BatchNorm" bottom: "conv2" top: "conv2" }
  layer { name: "scale2" type: "Scale" bottom: "conv2" top: "conv2" }
  layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2"
          relu_param { negative_slope: 0.75 } })";

std::vector<std::vector<float>> RunNet(const std::string& text) {
  caffe::NetParameter param;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &param));
  param.mutable_state()->set_phase(caffe::TRAIN);
  Caffe::set_random_seed(1701);
  caffe::Net<float> net(param);
  caffe::Blob<float>* x = net.input_blobs()[0];
  const auto values = Numbers(x->count(), 1);
  std::copy(values.begin(), values.end(), x->mutable_cpu_data());
  caffe::Blob<float>* y = net.output_blobs()[0];
  std::vector<std::vector<float>> results;
  net.ClearParamDiffs();
  net.ForwardBackward([&] {
    results.emplace_back(y->cpu_data(), y->cpu_data() + y->count());
    const auto diff = Numbers(y->count(), 2);
    std::copy(diff.begin(), diff.end(), y->mutable_cpu_diff());
  });
  for (const caffe::Blob<float>* blob : net.learnable_params()) {
    results.emplace_back(blob->cpu_diff(), blob->cpu_diff() + blob->count());
  }
  return results;
}

TEST(AnyOrderOfChannels, GivesNetsTheSameGradients) {
  const auto run = [](const std::string& precision) {
    return RunNet("precision: " + precision + kNet);
  };
  ExpectSame(run("TF32"), run("FP32"), 0.03, "TF32, blob");
}

// Where blobs are not kept, convolutions take over their ReLU, on the GPU its gradient, too.
TEST(AnyOrderOfChannels, GivesNetsTheSameGradientsOfFusedLayers) {
  const std::string conv =
      "type: 'Convolution' convolution_param { num_output: 16 kernel_size: 3 pad: 1 "
      "weight_filler { type: 'xavier' } bias_filler { type: 'uniform' min: -1 } ";
  for (const char* precision : {"FP32", "TF32", "BF16"}) {
    for (const char* group : {"", "group: 16"}) {
      const std::string net = std::string("force_backward: true precision: ") + precision +
                              " layer { name: 'x' type: 'Input' top: 'x' "
                              "input_param { shape { dim: 2 dim: 16 dim: 12 dim: 10 } } }"
                              " layer { name: 'conv1' bottom: 'x' top: 'conv1' " +
                              conv + group +
                              " } }"
                              " layer { name: 'relu1' type: 'ReLU' bottom: 'conv1' top: 'conv1' }"
                              " layer { name: 'conv2' bottom: 'conv1' top: 'conv2' " +
                              conv + group +
                              " } }"
                              " layer { name: 'relu2' type: 'ReLU' bottom: 'conv2' top: 'conv2' "
                              "relu_param { negative_slope: 0.5 } } blob_lifetime: ";
      ExpectSame(RunNet(net + "UNTIL_BACKWARD"), RunNet(net + "KEEP"), 1e-6,
                 std::string(precision) + group + ", blob");
    }
  }
}

#ifdef USE_CUDNN
TEST(ChannelsLastOnGpu, IsMadeOfAnInputOnceForBothPasses) {
  if (Caffe::mode() == Caffe::CPU) GTEST_SKIP() << "needs a GPU";
  caffe::NetParameter param;
  CHECK(google::protobuf::TextFormat::ParseFromString(std::string("precision: BF16 ") + kNet,
                                                      &param));
  param.mutable_state()->set_phase(caffe::TRAIN);
  caffe::Net<float> net(param);
  const auto reorders_of = [](const auto& run) {
    const int64_t before = caffe::LayoutReorders();
    run();
    return caffe::LayoutReorders() - before;
  };
  const auto apart = [&] {
    net.Forward();
    net.Backward();
  };
  const auto together = [&] { net.ForwardBackward(); };
  apart();
  EXPECT_LT(reorders_of(together), reorders_of(apart));
}
#endif

}  // namespace
}  // namespace caffe_test
