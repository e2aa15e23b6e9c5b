// Every value stands where its layout says.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/channel_layout.hpp"

namespace caffe_test {
namespace {

using caffe::ChannelLayout;

// Whole numbers that bfloat16 holds.
float ValueOf(int n, int c, int pixel) { return float((n * 53 + c * 17 + pixel * 3) % 251 + 1); }

template <typename T>
void ExpectToAndFro(const ChannelLayout& layout) {
  std::vector<float> plain(layout.Plain().size());
  std::vector<T> blocked(layout.size(), T(7.f)), expected(layout.size(), T(0.f));
  for (int n = 0; n < layout.num; ++n) {
    for (int c = 0; c < layout.channels; ++c) {
      for (int pixel = 0; pixel < layout.area(); ++pixel) {
        const float value = ValueOf(n, c, pixel);
        plain[(n * layout.channels + c) * layout.area() + pixel] = value;
        expected[(n * layout.blocks() + c / layout.block) * layout.plane_size() +
                 pixel * layout.block + c % layout.block] = T(value);
      }
    }
  }
  caffe::Reorder(layout.Plain(), plain.data(), layout, blocked.data());
  for (size_t i = 0; i < blocked.size(); ++i) {
    ASSERT_EQ(float(blocked[i]), float(expected[i])) << "element " << i;
  }
  std::vector<float> back(plain.size());
  caffe::Reorder(layout, blocked.data(), layout.Plain(), back.data());
  EXPECT_EQ(back, plain);
}

// Of fewer channels and pixels than a vector has elements, of whole vectors and of more.
TEST(Reorder, PutsEveryValueWhereItsLayoutSays) {
  for (const int channels : {3, 16, 21, 48}) {
    for (const int width : {1, 5, 16, 43}) {
      for (const int block : {8, 16, channels}) {
        SCOPED_TRACE(std::to_string(channels) + " channels in blocks of " + std::to_string(block) +
                     ", 3 x " + std::to_string(width));
        const ChannelLayout layout = {2, channels, 3, width, block};
        ExpectToAndFro<float>(layout);
        ExpectToAndFro<caffe::BFloat16>(layout.WithElement(caffe::Element::kBFloat16));
      }
    }
  }
}

}  // namespace
}  // namespace caffe_test
