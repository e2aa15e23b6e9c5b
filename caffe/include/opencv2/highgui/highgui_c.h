#ifndef CAFFE_OPENCV2_HIGHGUI_HIGHGUI_C_H_
#define CAFFE_OPENCV2_HIGHGUI_HIGHGUI_C_H_

/// OpenCV's functions for C. Of them, code written for Caffe 1.0 uses the constants.

#include "opencv2/highgui/highgui.hpp"
#if __has_include_next(<opencv2/highgui/highgui_c.h>)
#include_next <opencv2/highgui/highgui_c.h>
#endif

#endif  // CAFFE_OPENCV2_HIGHGUI_HIGHGUI_C_H_
