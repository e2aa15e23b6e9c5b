#ifndef CAFFE_OPENCV2_HIGHGUI_HIGHGUI_HPP_
#define CAFFE_OPENCV2_HIGHGUI_HIGHGUI_HPP_

/// The name that this header had in OpenCV 2. Code that still uses it also knows constants by names
/// that OpenCV 4 declares apart: CV_LOAD_IMAGE_COLOR, CV_BGR2GRAY, CV_INTER_LINEAR.

#include "opencv2/highgui.hpp"

#if __has_include(<opencv2/imgcodecs/legacy/constants_c.h>)
#include <opencv2/imgcodecs/legacy/constants_c.h>
#endif
#if __has_include(<opencv2/imgproc/types_c.h>)
#include <opencv2/imgproc/types_c.h>
#endif

#endif  // CAFFE_OPENCV2_HIGHGUI_HIGHGUI_HPP_
