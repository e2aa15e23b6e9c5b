// Images, by the names that OpenCV had for things when Caffe 1.0 was written.

#include <string>

#include <gtest/gtest.h>
#include <opencv2/core/core.hpp>
#include <opencv2/highgui/highgui.hpp>
#include <opencv2/highgui/highgui_c.h>
#include <opencv2/imgproc/imgproc.hpp>

#include "caffe/util/io.hpp"

namespace caffe {

TEST(OldOpenCv, ReadsAndWritesImages) {
  std::string file;
  MakeTempFilename(&file);
  file += ".png";
  cv::Mat image(2, 3, CV_8UC3, cv::Scalar(10, 20, 30));
  ASSERT_TRUE(cv::imwrite(file, image));
  const cv::Mat color = cv::imread(file, CV_LOAD_IMAGE_COLOR);
  const cv::Mat gray = cv::imread(file, CV_LOAD_IMAGE_GRAYSCALE);
  EXPECT_EQ(3, color.channels());
  EXPECT_EQ(30, color.at<cv::Vec3b>(1, 2)[2]);
  EXPECT_EQ(1, gray.channels());
  cv::Mat converted, resized;
  cv::cvtColor(color, converted, CV_BGR2GRAY);
  EXPECT_NEAR(gray.at<uchar>(1, 2), converted.at<uchar>(1, 2), 1);
  cv::resize(gray, resized, cv::Size(6, 4), 0, 0, CV_INTER_LINEAR);
  EXPECT_EQ(4, resized.rows);
}

}  // namespace caffe
