// What DCMEData changes at random in training: turns, crops, zoom, brightness and contrast.

#include <algorithm>
#include <cmath>
#include <set>

#include "data_batches.hpp"
#include "dcme/instance_map.hpp"

namespace dcme_test {
namespace {

TEST(DCMEData, MirrorsImageAndLabelsTogetherAndTurnsTheSignOfDx) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("seed: 5"), "transform_param { mirror: true }");
  const cv::Mat ids = random_ids(24, 40, 0);
  cv::Mat mirrored;
  cv::flip(ids, mirrored, 1);
  cv::Mat dx[2];
  int seen[2] = {0, 0};
  for (int b = 0; b < 12; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    const bool flipped = cv::norm(ids_of(layer, 0), mirrored, cv::NORM_INF) == 0;
    ++seen[flipped];
    expect_equal(ids_of(layer, 0), flipped ? mirrored : ids);
    expect_image_of_ids(layer, 0);
    expect_labels_of_ids(layer, 0);
    dx[flipped] = plane(*layer.top[kVectors], 0, 0);
  }
  EXPECT_GT(seen[0], 0);
  ASSERT_GT(seen[1], 0);
  cv::flip(dx[1], dx[1], 1);
  expect_equal(dx[0], -dx[1], 1e-5);
}

TEST(DCMEData, QuarterTurnsShowAllEightViews) {
  const DataSet set(1, 32, 32);
  auto layer = data_layer(set.parameters("rotate: true seed: 1"));
  std::set<Values> views;
  for (int b = 0; b < 80; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    expect_image_of_ids(layer, 0);
    expect_labels_of_ids(layer, 0);
    views.insert(values(*layer.top[kIds]));
  }
  EXPECT_EQ(views.size(), 8u);
}

TEST(DCMEData, RandomCropsHaveCentresOfWhatTheyShow) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("crop_height: 16 crop_width: 24 seed: 1"));
  std::set<Values> crops;
  for (int b = 0; b < 20; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    EXPECT_EQ(layer.top[kVectors]->shape(), (std::vector<int>{1, 2, 16, 24}));
    expect_image_of_ids(layer, 0);
    expect_labels_of_ids(layer, 0);
    crops.insert(values(*layer.top[kIds]));
  }
  EXPECT_GT(crops.size(), 10u);
}

TEST(DCMEData, RandomCropsReachBothEnds) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("crop_height: 24 crop_width: 39 seed: 1"));
  std::set<Values> crops;
  for (int b = 0; b < 20; ++b) crops.insert(batches(&layer, 1));
  EXPECT_EQ(crops.size(), 2u);
}

TEST(DCMEData, TestsSeeTheMiddleAndOfAnOddRestTheSmallerHalfBefore) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("crop_height: 17 crop_width: 25"), "phase: TEST");
  layer.layer->Forward(layer.bottom, layer.top);
  expect_equal(ids_of(layer, 0), random_ids(24, 40, 0)(cv::Rect(7, 3, 25, 17)).clone());
}

TEST(DCMEData, CropsCanKeepTheCentresOfWholeInstances) {
  const DataSet set(1);
  auto layer =
      data_layer(set.parameters("crop_height: 8 crop_width: 8 crop_centre: WHOLE"), "phase: TEST");
  layer.layer->Forward(layer.bottom, layer.top);
  cv::Mat ids = random_ids(24, 40, 0);
  cv::Mat dx(ids.size(), CV_32F), dy(ids.size(), CV_32F);
  dcme::encode({ids.ptr<uint16_t>(), 24, 40}, {dx.ptr<float>(), 24, 40}, {dy.ptr<float>(), 24, 40});
  const cv::Rect central(16, 8, 8, 8);
  expect_equal(plane(*layer.top[kVectors], 0, 0), dx(central));
  expect_equal(plane(*layer.top[kVectors], 0, 1), dy(central));
  expect_equal(ids_of(layer, 0), ids(central));
}

TEST(DCMEData, ImagesSmallerThanTheCropArePaddedWithBackground) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("crop_height: 32 crop_width: 48"), "phase: TEST");
  layer.layer->Forward(layer.bottom, layer.top);
  const cv::Mat ids = ids_of(layer, 0);
  expect_equal(ids(cv::Rect(4, 4, 40, 24)), random_ids(24, 40, 0));
  EXPECT_EQ(cv::countNonZero(ids), 24 * 40);
  EXPECT_EQ(layer.top[kData]->data_at(0, 0, 0, 0), 0);
}

TEST(DCMEData, ZoomKeepsImageAndLabelsTogether) {
  const DataSet set(1, 64, 64);
  auto layer = data_layer(set.parameters("min_zoom: 0.5 max_zoom: 2 seed: 3"));
  std::set<Values> views;
  for (int b = 0; b < 8; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    expect_labels_of_ids(layer, 0);
    views.insert(values(*layer.top[kIds]));
    // Interpolated at the borders of instances only: most pixels still show their ids.
    cv::Mat image, expected;
    plane(*layer.top[kData], 0).convertTo(image, CV_8U);
    const cv::Mat ids = ids_of(layer, 0);
    expected = image_of(ids);
    EXPECT_LT(cv::countNonZero(image != expected), 64 * 64 / 4);
  }
  EXPECT_EQ(views.size(), 8u);
}

TEST(DCMEData, ZoomingOutTakesMeansOfTheImageAndTheIdsInTheMiddle) {
  const DataSet set(1, 24, 39);
  auto layer =
      data_layer(set.parameters("min_zoom: 0.33333333 max_zoom: 0.33333333 crop_height: 8 "
                                "crop_width: 13"));
  layer.layer->Forward(layer.bottom, layer.top);
  const cv::Mat all = random_ids(24, 39, 0), ids = ids_of(layer, 0);
  cv::Mat means;
  image_of(all).convertTo(means, CV_32F);
  cv::resize(means, means, cv::Size(13, 8), 0, 0, cv::INTER_AREA);
  expect_equal(plane(*layer.top[kData], 0), means, 1e-4);
  for (int r = 0; r < 8; ++r) {
    for (int c = 0; c < 13; ++c) {
      EXPECT_EQ(ids.at<uint16_t>(r, c), all.at<uint16_t>(3 * r + 1, 3 * c + 1));
    }
  }
}

// The values that a grey of 100 takes.
std::set<float> changed_greys(const std::string& own) {
  const DataSet set(1);
  cv::imwrite(set.folder / "image0.png", cv::Mat(24, 40, CV_8U, cv::Scalar(100)));
  auto layer = data_layer(set.parameters("seed: 1 " + own), "transform_param { scale: 0.5 }", 2);
  std::set<float> seen;
  for (int b = 0; b < 50; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    seen.insert(layer.top[kData]->cpu_data()[0]);
  }
  return seen;
}

TEST(DCMEData, BrightnessAndContrastReachTheirLimits) {
  const std::set<float> shifted = changed_greys("brightness: 0.1"),
                        stretched = changed_greys("contrast: 0.2");
  EXPECT_NEAR(*shifted.begin(), 50 - 12.75, 2);
  EXPECT_NEAR(*shifted.rbegin(), 50 + 12.75, 2);
  EXPECT_NEAR(*stretched.begin(), 50 - 10, 2);
  EXPECT_NEAR(*stretched.rbegin(), 50 + 10, 2);
}

TEST(DCMEData, WhatLiesOutsideOfAnImageIsAsBrightAsBlackInIt) {
  const DataSet set(1);
  cv::imwrite(set.folder / "image0.png", cv::Mat(24, 40, CV_8U, cv::Scalar(0)));
  auto layer = data_layer(set.parameters("crop_height: 32 crop_width: 48 brightness: 0.3 seed: 1"));
  layer.layer->Forward(layer.bottom, layer.top);
  const Values all = values(*layer.top[kData]);
  EXPECT_NE(all[0], 0);
  EXPECT_EQ(std::count(all.begin(), all.end(), all[0]), 32 * 48);
}

TEST(DCMEData, BrightnessAndContrastChangeTheImageWithinTheirLimits) {
  const DataSet set(1);
  cv::imwrite(set.folder / "image0.png", cv::Mat(24, 40, CV_8U, cv::Scalar(100)));
  auto layer = data_layer(set.parameters("brightness: 0.1 contrast: 0.2 seed: 1"));
  std::set<float> seen;
  for (int b = 0; b < 50; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    const float value = layer.top[kData]->cpu_data()[0];
    EXPECT_GE(value, 100 * 0.8 - 25.6);
    EXPECT_LE(value, 100 * 1.2 + 25.6);
    seen.insert(value);
  }
  EXPECT_GT(seen.size(), 40u);
}

}  // namespace
}  // namespace dcme_test
