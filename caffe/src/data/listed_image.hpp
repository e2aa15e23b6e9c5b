#ifndef CAFFE_SRC_DATA_LISTED_IMAGE_HPP_
#define CAFFE_SRC_DATA_LISTED_IMAGE_HPP_

#include <string>

#include <opencv2/core.hpp>

#include "caffe/util/io.hpp"

namespace caffe {

/// Reads an image that a list names; throws Error naming both where that fails.
inline cv::Mat ReadListedImage(const string& path, int height, int width, bool is_color,
                               const string& list) {
  cv::Mat image = ReadImageToCVMat(path, height, width, is_color);
  if (!image.data) LOG(FATAL) << "cannot read the image " + path + " (listed in " + list + ")";
  return image;
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_LISTED_IMAGE_HPP_
