// Layers on blobs in every order of channels: blocks, channels-last, of floats and of bfloat16.

#include <gtest/gtest.h>

#include "layer_case.hpp"
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

// Results of a layer whose bottoms and top diffs come in some order (none: plain).
struct Results {
  std::vector<std::vector<float>> tops, diffs;
};

Results Run(const std::string& prototxt, int bottoms, int tops, const Order* order) {
  LayerCase<float> layer(prototxt, tops);
  const Shape shape = {2, 48, 9, 12};
  for (int i = 0; i < bottoms; ++i) layer.Bottom(shape, Numbers(2 * 48 * 9 * 12, i));
  layer.layer->SetUp(layer.bottom, layer.top);
  if (order) {
    for (auto* bottom : layer.bottom) Arrange(*order, Part::kData, bottom);
  }
  layer.layer->Forward(layer.bottom, layer.top);
  for (int i = 0; i < tops; ++i) {
    const auto diff = Numbers(layer.top[i]->count(), 100 + i);
    std::copy(diff.begin(), diff.end(), layer.top[i]->mutable_cpu_diff());
    if (order) Arrange(*order, Part::kDiff, layer.top[i]);
  }
  layer.layer->Backward(layer.top, std::vector<bool>(bottoms, true), layer.bottom);
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

void ExpectPlainResults(const std::string& prototxt, int bottoms = 1, int tops = 1) {
  const Results expected = Run(prototxt, bottoms, tops, nullptr);
  for (const Order& order : Orders()) {
    const double tolerance = order.element == Element::kFloat ? 1e-5 : 1. / 64;
    const Results got = Run(prototxt, bottoms, tops, &order);
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

TEST(AnyOrderOfChannels, FunctionsOfElements) {
  ExpectPlainResults("type: 'ReLU' relu_param { negative_slope: 0.5 }");
  ExpectPlainResults("type: 'TanH'");
}

TEST(AnyOrderOfChannels, BatchNorm) { ExpectPlainResults("type: 'BatchNorm'"); }

TEST(AnyOrderOfChannels, Scale) {
  ExpectPlainResults(
      "type: 'Scale' scale_param { bias_term: true filler { type: 'constant' value: 3 } }");
}

TEST(AnyOrderOfChannels, SumOfBlobs) {
  ExpectPlainResults("type: 'Eltwise' eltwise_param { coeff: 2 coeff: -1 }", 2);
}

TEST(AnyOrderOfChannels, Concat) { ExpectPlainResults("type: 'Concat'", 2); }

TEST(AnyOrderOfChannels, Slice) { ExpectPlainResults("type: 'Slice'", 1, 3); }

TEST(AnyOrderOfChannels, Split) { ExpectPlainResults("type: 'Split'", 1, 3); }

TEST(AnyOrderOfChannels, Interp) {
  ExpectPlainResults("type: 'Interp' interp_param { height: 17 width: 5 }");
}

TEST(AnyOrderOfChannels, Upsample) {
  for (const Order& order : Orders()) {
    LayerCase<float> layer("type: 'Upsample' upsample_param { scale: 2 }");
    const int count = 2 * 48 * 3 * 5;
    std::vector<float> places(count);
    for (int i = 0; i < count; ++i)
      places[i] = i % 15 / 5 * 20 + i % 5 * 2 + i % 2 + i % 3 / 2 * 10;
    layer.Bottom({2, 48, 3, 5}, Numbers(count, 1)).Bottom({2, 48, 3, 5}, places);
    layer.layer->SetUp(layer.bottom, layer.top);
    Arrange(order, Part::kData, layer.bottom[0]);
    layer.layer->Forward(layer.bottom, layer.top);
    const auto diff = Numbers(layer.top[0]->count(), 2);
    std::copy(diff.begin(), diff.end(), layer.top[0]->mutable_cpu_diff());
    Arrange(order, Part::kDiff, layer.top[0]);
    layer.Backward();
    for (int i = 0; i < count; ++i) {
      const int place = i / 15 * 60 + static_cast<int>(places[i]);
      ASSERT_EQ(layer.top[0]->cpu_data()[place], layer.bottom[0]->cpu_data()[i]) << order.name;
      ASSERT_EQ(layer.bottom[0]->cpu_diff()[i], diff[place]) << order.name;
    }
  }
}

}  // namespace
}  // namespace caffe_test
