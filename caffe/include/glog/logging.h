#ifndef CAFFE_GLOG_LOGGING_H_
#define CAFFE_GLOG_LOGGING_H_

/// What code written for Caffe 1.0 includes for LOG and CHECK; here they come from the runtime.

#include "caffe/util/logging.hpp"

#endif  // CAFFE_GLOG_LOGGING_H_
