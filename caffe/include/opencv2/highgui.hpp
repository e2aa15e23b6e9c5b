#ifndef CAFFE_OPENCV2_HIGHGUI_HPP_
#define CAFFE_OPENCV2_HIGHGUI_HPP_

/// What code written for Caffe 1.0 includes to read and write images. OpenCV keeps these functions
/// in imgcodecs today; its highgui, which this project does without, is used where it is installed.

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#if __has_include_next(<opencv2/highgui.hpp>)
#include_next <opencv2/highgui.hpp>
#endif

#endif  // CAFFE_OPENCV2_HIGHGUI_HPP_
