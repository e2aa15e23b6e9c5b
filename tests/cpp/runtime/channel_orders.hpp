#ifndef TESTS_RUNTIME_CHANNEL_ORDERS_HPP_
#define TESTS_RUNTIME_CHANNEL_ORDERS_HPP_

#include "core/outermost_run.hpp"
#include "gpu/layout.hpp"
#include "layer_case.hpp"

// Layers on blobs in every order of channels: blocks, channels-last, of floats and of bfloat16.
namespace caffe_test {

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

inline const Order kOrders[] = {
    {"blocks of 8", 8, Element::kFloat},
    {"blocks of 16", 16, Element::kFloat},
    {"channels-last", 0, Element::kFloat},
    {"blocks of 16 bfloat16", 16, Element::kBFloat16},
    {"channels-last bfloat16", 0, Element::kBFloat16},
};

// Numbers that bfloat16 holds; with many equal ones, as behind a ReLU.
inline std::vector<float> Numbers(int count, int seed) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i)
    values[i] = std::max(-20, (i * 7919 + seed * 31) % 101 - 50) / 8.f;
  return values;
}

// The GPU has no blocks.
inline std::vector<Order> Orders() {
  std::vector<Order> orders;
  for (const Order& order : kOrders) {
    if (Caffe::mode() == Caffe::CPU || order.block == 0) orders.push_back(order);
  }
  return orders;
}

inline ChannelLayout LayoutOf(const caffe::Blob<float>& blob, const Order& order) {
  ChannelLayout layout = caffe::PlainLayout(blob).WithElement(order.element);
  layout.block = order.block ? order.block : layout.channels;
  return layout;
}

#ifndef CPU_ONLY
inline void ArrangeOnGpu(const ChannelLayout& layout, Part part, caffe::Blob<float>* blob) {
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
inline void Arrange(const Order& order, Part part, caffe::Blob<float>* blob) {
  const ChannelLayout plain = caffe::PlainLayout(*blob), layout = LayoutOf(*blob, order);
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) return ArrangeOnGpu(layout, part, blob);
#endif
  const float* values = part == Part::kData ? blob->cpu_data() : blob->cpu_diff();
  const std::vector<float> copy(values, values + blob->count());
  caffe::Reorder(plain, copy.data(), layout, caffe::WriteBytes(layout, blob, part));
}

// On the GPU: a layer that fell back to plain order would give the same numbers.
inline void ExpectKept(const Order* order, Part part, const caffe::Blob<float>& blob) {
  if (!order || Caffe::mode() == Caffe::CPU) return;
  const ChannelLayout layout = caffe::StoredLayout(blob, part, Place::kGpu);
  EXPECT_EQ(layout.block, blob.shape(1)) << order->name;
  EXPECT_EQ(int(layout.element), int(order->element)) << order->name;
}

// Results of a layer whose bottoms and top diffs come in some order (none: plain).
struct Results {
  std::vector<std::vector<float>> tops, diffs;
};

inline const Shape kShape = {2, 48, 9, 12};

inline Results Run(const std::string& prototxt, int bottoms, int tops, const Order* order,
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

inline void ExpectSame(const std::vector<std::vector<float>>& got,
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

inline void ExpectPlainResults(const std::string& prototxt, int bottoms = 1, int tops = 1,
                               const Shape& shape = kShape) {
  const Results expected = Run(prototxt, bottoms, tops, nullptr, shape);
  for (const Order& order : Orders()) {
    const double tolerance = order.element == Element::kFloat ? 1e-5 : 1. / 64;
    const Results got = Run(prototxt, bottoms, tops, &order, shape);
    ExpectSame(got.tops, expected.tops, tolerance, std::string(order.name) + ", top");
    ExpectSame(got.diffs, expected.diffs, tolerance, std::string(order.name) + ", diff of bottom");
  }
}

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_CHANNEL_ORDERS_HPP_
