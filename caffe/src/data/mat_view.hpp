#ifndef CAFFE_SRC_DATA_MAT_VIEW_HPP_
#define CAFFE_SRC_DATA_MAT_VIEW_HPP_

#include <opencv2/core.hpp>

#include "data/image_planes.hpp"

namespace caffe {

/// An OpenCV image whose channels are of type T.
template <typename T>
ImageView<T> MatView(const cv::Mat& image) {
  const int channels = image.channels();
  return {image.ptr<T>(), channels, image.rows,
          image.cols,     1,        static_cast<std::ptrdiff_t>(image.step1()),
          channels};
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_MAT_VIEW_HPP_
