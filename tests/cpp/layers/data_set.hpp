#ifndef TESTS_LAYERS_DATA_SET_HPP_
#define TESTS_LAYERS_DATA_SET_HPP_

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "temporary_folder.hpp"

namespace dcme_test {

using caffe_test::TemporaryFolder;

// An instance map of overlapping ellipses of Cityscapes' cars and persons, over stuff.
inline cv::Mat random_ids(int rows, int cols, int seed, int count = 6) {
  cv::RNG rng(seed + 1);
  cv::Mat ids(rows, cols, CV_16U, cv::Scalar(7));
  for (int k = 0; k < count; ++k) {
    const int id = (k % 2 ? 24000 : 26000) + k;
    const cv::Point centre(rng.uniform(0, cols), rng.uniform(0, rows));
    const cv::Size axes(rng.uniform(2, cols / 4), rng.uniform(2, rows / 4));
    cv::ellipse(ids, centre, axes, rng.uniform(0, 180), 0, 360, cv::Scalar(id), -1);
  }
  return ids;
}

// The image of an instance map: grey values that tell its ids apart (7 for stuff).
inline cv::Mat image_of(const cv::Mat& ids) {
  cv::Mat image(ids.size(), CV_8U);
  for (int r = 0; r < ids.rows; ++r) {
    for (int c = 0; c < ids.cols; ++c) {
      const int id = ids.at<uint16_t>(r, c);
      image.at<uint8_t>(r, c) = static_cast<uint8_t>(id < 1000 ? id : 100 + id % 1000);
    }
  }
  return image;
}

// Images and instance maps on disk with their list, list.txt.
class DataSet {
 public:
  explicit DataSet(int images, int rows = 24, int cols = 40) {
    std::ofstream list(folder / "list.txt");
    for (int i = 0; i < images; ++i) {
      const std::string name = std::to_string(i) + ".png";
      const cv::Mat ids = random_ids(rows, cols, i);
      cv::imwrite(folder / ("image" + name), image_of(ids));
      cv::imwrite(folder / ("ids" + name), ids);
      list << "image" << name << " ids" << name << "\n";
    }
  }

  // DCMEData parameters that read the set, with further ones; grey and with blocks of 8 pixels
  // unless those say otherwise.
  std::string parameters(const std::string& more) const {
    std::string all =
        "source: \"" + (folder / "list.txt") + "\" root_folder: \"" + folder.path() + "\" " + more;
    if (more.find("is_color") == std::string::npos) all += " is_color: false";
    if (more.find("grid_size") == std::string::npos) all += " grid_size: 8";
    return all;
  }

  TemporaryFolder folder;
};

}  // namespace dcme_test

#endif  // TESTS_LAYERS_DATA_SET_HPP_
