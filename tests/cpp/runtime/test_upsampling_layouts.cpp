// Upsample and the masks of Pooling in every order of channels.

#include <numeric>

#include <gtest/gtest.h>

#include "channel_orders.hpp"
#include "layers/host_window_places.hpp"

namespace caffe_test {
namespace {

// Values go to the places of their 6 x 10 planes; where several have one, to that of the last.
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
  std::vector<float> beside(2 * 48 * 15), anywhere(2 * 48 * 15), repeated(2 * 48 * 15);
  for (int i = 0; i < 2 * 48 * 15; ++i) {
    beside[i] = i % 15 / 5 * 20 + i % 5 * 2 + i % 2 + i % 3 / 2 * 10;
    anywhere[i] = 59 - beside[i];
    repeated[i] = beside[i / 15 * 15 + i % 3 * 4];
  }
  for (const Order& order : Orders()) {
    ExpectUpsampled(order, beside);
    ExpectUpsampled(order, anywhere);
    ExpectUpsampled(order, repeated);
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
    EXPECT_EQ(caffe::PlacesOf<caffe::HostWindowPlaces<float>>(*pool.top[1]) != nullptr,
              order.block != 8)
        << order.name;
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

}  // namespace
}  // namespace caffe_test
