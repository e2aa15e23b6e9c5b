// The core by itself, as C++ programs use it. Numbers are checked in tests/python/core, against
// slow transcriptions of the method.
#include <climits>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "dcme/decode.hpp"
#include "dcme/encode.hpp"
#include "dcme/evaluate.hpp"
#include "dcme/grid.hpp"

namespace dcme {
namespace {

struct Map {
  int rows, cols;
  std::vector<uint16_t> ids = std::vector<uint16_t>(static_cast<size_t>(rows) * cols);

  void rectangle(int id, Box box) {
    for (int r = box.top; r < box.bottom; ++r) {
      for (int c = box.left; c < box.right; ++c) plane()(r, c) = static_cast<uint16_t>(id);
    }
  }
  Plane<uint16_t> plane() { return {ids.data(), rows, cols}; }
};

struct Field {
  int rows, cols;
  std::vector<float> values = std::vector<float>(size_t{2} * rows * cols);

  Plane<float> dx() { return {values.data(), rows, cols}; }
  Plane<float> dy() { return {values.data() + values.size() / 2, rows, cols}; }
};

Map two_cars() {
  Map map{60, 90};
  map.rectangle(26001, {10, 10, 30, 40});
  map.rectangle(26002, {25, 45, 50, 80});
  return map;
}

Field encoded(Map& map) {
  Field field{map.rows, map.cols};
  encode(map.plane(), field.dx(), field.dy());
  return field;
}

class RoundTrip : public testing::TestWithParam<DecodeMode> {};

TEST_P(RoundTrip, DecodingReturnsWhatWasEncoded) {
  Map map = two_cars();
  Field field = encoded(map);
  DecodeOptions options;
  options.mode = GetParam();
  const Instances found = decode(field.dx(), field.dy(), options);
  ASSERT_EQ(found.list.size(), 2u);
  EXPECT_NEAR(found.list[0].row, 19.5, 0.6);
  EXPECT_NEAR(found.list[0].col, 24.5, 0.6);
  Evaluator evaluator{{}};
  ImageMatcher matcher(evaluator.options(), map.plane());
  for (const Instance& instance : found.list) {
    matcher.add_spans(instance.spans, found.rows, found.cols, 26, 1);
  }
  evaluator.add(matcher.record());
  EXPECT_GT(evaluator.results().ap[0][2][8], 0.99) << "AP of cars at IoU 0.9";
}

TEST_P(RoundTrip, AnyFiniteFieldIsSurvived) {
  std::mt19937 random(1);
  const float large = std::numeric_limits<float>::max();
  for (float scale : {0.f, 1.f, 30.f, 1e6f, large}) {
    Field field{37, 53};
    std::uniform_real_distribution<float> draw(-1, 1);
    for (float& value : field.values) value = draw(random) * scale;
    DecodeOptions options;
    options.mode = GetParam();
    options.vt = 1;
    const Instances found = decode(field.dx(), field.dy(), options);
    for (const Instance& instance : found.list) EXPECT_GT(instance.pixels(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, RoundTrip,
                         testing::Values(DecodeMode::kStandard, DecodeMode::kReference,
                                         DecodeMode::kWatershed));

TEST(Decode, NamesTheVectorThatIsNoNumber) {
  Field field{4, 5};
  field.dy()(2, 3) = std::numeric_limits<float>::quiet_NaN();
  try {
    decode(field.dx(), field.dy());
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("row 2, column 3"), std::string::npos);
  }
}

TEST(Decode, RefusesMoreCellsThanItCanNumber) {
  const Plane<const float> huge(nullptr, 50000, 50000);
  EXPECT_THROW(decode(huge, huge), std::invalid_argument);
}

// Its smoothed votes would not fit 32 bits.
TEST(Decode, FindsOneCentreOfAHugeInstance) {
  Map map{1520, 1520};
  map.rectangle(26001, {10, 10, 1510, 1510});
  Field field{map.rows, map.cols};
  encode(map.plane(), field.dx(), field.dy());
  DecodeOptions options;
  options.dt = 128;
  // Disturbed, so that the centre is not found by its sharpness.
  std::mt19937 random(1);
  std::uniform_real_distribution<float> noise(-25, 25);
  for (float& value : field.values) value += value != 0 ? noise(random) : 0;
  EXPECT_EQ(decode(field.dx(), field.dy(), options).list.size(), 1u);
}

TEST(Holes, AreWhatNoPathOverEdgesLeadsOutOf) {
  // #####
  // #.#.#    the right hole is open at a corner only
  // ####.
  const std::vector<Span> shape = {{0, 0, 5}, {1, 0, 1}, {1, 2, 3}, {1, 4, 5}, {2, 0, 4}};
  EXPECT_EQ(enclosed_gaps(shape).size(), 2u);
  // The same with the way out one pixel wider.
  const std::vector<Span> open = {{0, 0, 5}, {1, 0, 1}, {1, 2, 3}, {1, 4, 5}, {2, 0, 3}};
  EXPECT_EQ(enclosed_gaps(open).size(), 1u);
  EXPECT_EQ(with_holes_filled(open).size(), 4u);
}

TEST(Reduction, KeepsInstancesAndRefusesToGrow) {
  Map map = two_cars();
  map.rectangle(26, {0, 0, 5, 90});
  Map half{30, 45};
  reduce_ids(map.plane(), half.plane());
  EXPECT_EQ(instances(half.plane()).size(), 2u);
  EXPECT_EQ(half.plane()(1, 1), 0);
  Map larger{61, 90};
  EXPECT_THROW(reduce_ids(map.plane(), larger.plane()), std::invalid_argument);
}

TEST(Grid, HasABlockForEveryPixel) {
  Map map = two_cars();
  std::vector<uint8_t> blocks(grid_blocks(60, 16) * grid_blocks(90, 16));
  const Plane<uint8_t> grid(blocks.data(), grid_blocks(60, 16), grid_blocks(90, 16));
  grid_classes(map.plane(), 16, ClassMap::cityscapes(), {}, grid);
  EXPECT_EQ(grid.rows, 4);
  EXPECT_EQ(grid(0, 0), 3) << "car is the third class";
  EXPECT_EQ(grid(3, 0), 0);
  EXPECT_EQ(grid_blocks(64, 16), 4);
  EXPECT_EQ(grid_blocks(90, INT_MAX), 1);
  const float probability = 1;
  EXPECT_THROW(classify_centre(std::nan(""), 3, &probability, 1, 1, 1, 16, false),
               std::invalid_argument);
}

}  // namespace
}  // namespace dcme
