// Layers give the same results in every order of channels.

#include <gtest/gtest.h>

#include "channel_orders.hpp"

namespace caffe_test {
namespace {

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
  ExpectPlainResults("type: 'BNLL'");
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
  // On a GPU, cuDNN does the one, and a kernel of ours the other.
  ExpectNear(in_place.Values(0), apart.Values(0));
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

// The same to the bit as in plain order.
void ExpectCopied(const std::string& prototxt, int bottoms, int tops, const Order& order) {
  const auto expected = Run(prototxt, bottoms, tops, nullptr, kShape);
  const auto got = Run(prototxt, bottoms, tops, &order, kShape);
  ASSERT_EQ(got.tops, expected.tops) << order.name << ", " << prototxt;
  ASSERT_EQ(got.diffs, expected.diffs) << order.name << ", " << prototxt;
}

TEST(AnyOrderOfChannels, PartsAreCopiedToTheBit) {
  for (const Order& order : Orders()) {
    ExpectCopied("type: 'Concat'", 2, 1, order);
    ExpectCopied("type: 'Slice'", 1, 3, order);
    // Not in whole blocks.
    if (Caffe::mode() == Caffe::CPU) {
      ExpectCopied("type: 'Slice' slice_param { slice_point: 5 }", 1, 2, order);
      ExpectCopied("type: 'Slice' slice_param { axis: 2 slice_point: 5 }", 1, 2, order);
    }
  }
}

TEST(PartsOnCpu, KeepTheirBlocksAndElements) {
  if (Caffe::mode() == Caffe::GPU) GTEST_SKIP() << "AnyOrderOfChannels.Slice sees to it there";
  const caffe::OutermostRun net;
  for (const Order& order : kOrders) {
    for (const bool slice : {false, true}) {
      LayerCase<float> layer(slice ? "type: 'Slice'" : "type: 'Concat'", slice ? 3 : 1);
      for (int i = 0; i < (slice ? 1 : 2); ++i) layer.Bottom(kShape, Numbers(2 * 48 * 9 * 12, i));
      layer.layer->SetUp(layer.bottom, layer.top);
      for (auto* bottom : layer.bottom) Arrange(order, Part::kData, bottom);
      layer.layer->Forward(layer.bottom, layer.top);
      for (auto* top : layer.top) Arrange(order, Part::kDiff, top);
      layer.Backward();
      using Half = std::pair<const Blob<float>*, Part>;
      for (const Half& half :
           {Half(layer.top[0], Part::kData), Half(layer.bottom[0], Part::kDiff)}) {
        const ChannelLayout layout = caffe::StoredLayout(*half.first, half.second);
        EXPECT_EQ(layout.element, order.element) << order.name;
        EXPECT_GT(layout.block, 1) << order.name;
      }
    }
  }
}

TEST(AnyOrderOfChannels, Split) { ExpectPlainResults("type: 'Split'", 1, 3); }

TEST(AnyOrderOfChannels, Interp) {
  ExpectPlainResults("type: 'Interp' interp_param { height: 17 width: 5 }");
}

TEST(AnyOrderOfChannels, InterpOfOnePixel) {
  ExpectPlainResults("type: 'Interp' interp_param { height: 17 width: 5 }", 1, 1, {2, 48, 1, 1});
}

}  // namespace
}  // namespace caffe_test
