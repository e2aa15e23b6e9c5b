// Sums over the pixels of channels, in all orders of values.

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "core/per_channel.hpp"

namespace caffe_test {
namespace {

using caffe::ChannelLayout;

struct Channel {
  double mean = 0, squares = 0;
};

// The image, channel and pixel of element i tell which channel it belongs to; -1: to none.
int ChannelOf(const ChannelLayout& layout, std::ptrdiff_t i) {
  const int channel =
      layout.first_channel(i / layout.plane_size()) + static_cast<int>(i % layout.block);
  return channel < layout.channels ? channel : -1;
}

std::vector<Channel> Expected(const ChannelLayout& layout, const std::vector<float>& x) {
  std::vector<Channel> channels(layout.channels);
  const double count = double(layout.num) * layout.area();
  for (const bool of_mean : {true, false}) {
    for (size_t i = 0; i < x.size(); ++i) {
      const int c = ChannelOf(layout, i);
      if (c < 0) continue;
      const double from_mean = x[i] - channels[c].mean;
      if (of_mean) {
        channels[c].mean += x[i] / count;
      } else {
        channels[c].squares += from_mean * from_mean;
      }
    }
  }
  return channels;
}

// Means far larger than the deviations, which a sum of squares about 0 would lose.
TEST(MomentsPerChannel, AreThoseOfAllPieces) {
  const ChannelLayout layouts[] = {{2, 5, 70, 67, 1},     {3, 5, 11, 13, 8},    {2, 21, 33, 9, 16},
                                   {1, 1, 1, 3, 1},       {37, 19, 1, 1, 1},    {2, 6, 31, 30, 6},
                                   {2, 300, 13, 17, 300}, {1, 512, 15, 11, 512}};
  std::mt19937 generator(1701);
  std::normal_distribution<float> normal;
  for (const ChannelLayout& layout : layouts) {
    std::vector<float> x(layout.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const int c = ChannelOf(layout, i);
      x[i] = c < 0 ? 0 : 300 * (c % 21 + 1) + normal(generator);
    }
    std::vector<float> means;
    std::vector<double> squares;
    caffe::MomentsPerChannel(layout, x.data(), &means, &squares);
    const std::vector<Channel> expected = Expected(layout, x);
    ASSERT_EQ(means.size(), expected.size());
    ASSERT_EQ(squares.size(), expected.size());
    for (size_t c = 0; c < expected.size(); ++c) {
      EXPECT_NEAR(means[c], expected[c].mean, 1e-7 * expected[c].mean) << c;
      EXPECT_NEAR(squares[c], expected[c].squares, 1e-5 * expected[c].squares) << c;
    }
  }
}

TEST(MomentsPerChannel, OfNoValuesAreZero) {
  std::vector<double> means, squares;
  caffe::MomentsPerChannel<double>({0, 2, 3, 3, 1}, nullptr, &means, &squares);
  EXPECT_EQ(means, std::vector<double>(2));
  EXPECT_EQ(squares, std::vector<double>(2));
}

}  // namespace
}  // namespace caffe_test
