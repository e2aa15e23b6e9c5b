#ifndef TESTS_LAYERS_DATA_BATCHES_HPP_
#define TESTS_LAYERS_DATA_BATCHES_HPP_

// What a DCMEData layer gives, and whether its parts fit each other.

#include <string>
#include <vector>

#include "data_set.hpp"
#include "dcme/encode.hpp"
#include "dcme/grid.hpp"
#include "dcme_layers.hpp"

namespace dcme_test {

enum Top { kData, kVectors, kGrid, kIds };
using Values = std::vector<float>;

inline LayerCase<float> data_layer(const std::string& own, const std::string& text = "phase: TRAIN",
                                   int tops = 4) {
  LayerCase<float> layer(layer_parameter("DCMEData", own, text), tops);
  layer.layer->SetUp(layer.bottom, layer.top);
  return layer;
}

inline Values values(const Blob<float>& blob) {
  return Values(blob.cpu_data(), blob.cpu_data() + blob.count());
}

// All tops of the next batches, one after the other.
inline Values batches(LayerCase<float>* layer, int count) {
  Values all;
  for (int b = 0; b < count; ++b) {
    layer->layer->Forward(layer->bottom, layer->top);
    for (const Blob<float>* top : layer->top) {
      all.insert(all.end(), top->cpu_data(), top->cpu_data() + top->count());
    }
  }
  return all;
}

inline cv::Mat plane(const Blob<float>& blob, int n, int c = 0) {
  cv::Mat view(blob.height(), blob.width(), CV_32F,
               const_cast<float*>(blob.cpu_data()) + blob.offset(n, c));
  return view.clone();
}

inline cv::Mat ids_of(const LayerCase<float>& layer, int n) {
  cv::Mat ids;
  plane(*layer.top[kIds], n).convertTo(ids, CV_16U);
  return ids;
}

inline void expect_equal(const cv::Mat& a, const cv::Mat& b, double tolerance = 0) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_LE(cv::norm(a, b, cv::NORM_INF), tolerance);
}

// Labels must be what the core makes of the ids that come with them.
inline void expect_labels_of_ids(const LayerCase<float>& layer, int n, int grid_size = 8) {
  cv::Mat ids = ids_of(layer, n);
  cv::Mat dx(ids.size(), CV_32F), dy(ids.size(), CV_32F);
  const dcme::Plane<const uint16_t> id_plane(ids.ptr<uint16_t>(), ids.rows, ids.cols);
  dcme::encode(id_plane, {dx.ptr<float>(), ids.rows, ids.cols},
               {dy.ptr<float>(), ids.rows, ids.cols});
  expect_equal(plane(*layer.top[kVectors], n, 0), dx);
  expect_equal(plane(*layer.top[kVectors], n, 1), dy);
  const Blob<float>& grid = *layer.top[kGrid];
  cv::Mat classes(grid.height(), grid.width(), CV_8U);
  dcme::grid_classes(id_plane, grid_size, dcme::ClassMap::cityscapes(), {},
                     {classes.ptr<uint8_t>(), classes.rows, classes.cols});
  classes.convertTo(classes, CV_32F);
  expect_equal(plane(grid, n), classes);
}

// The image must show the ids that come with it.
inline void expect_image_of_ids(const LayerCase<float>& layer, int n) {
  cv::Mat image;
  image_of(ids_of(layer, n)).convertTo(image, CV_32F);
  expect_equal(plane(*layer.top[kData], n), image);
}

}  // namespace dcme_test

#endif  // TESTS_LAYERS_DATA_BATCHES_HPP_
