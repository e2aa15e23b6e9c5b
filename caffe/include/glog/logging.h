#ifndef CAFFE_GLOG_LOGGING_H_
#define CAFFE_GLOG_LOGGING_H_

/// Stands in for google-glog where code written for Caffe 1.0 includes it: the same macros, with
/// failures that throw (see caffe/util/logging.hpp).

#include "caffe/util/logging.hpp"

namespace google {

inline void InitGoogleLogging(const char*) {}
inline void InstallFailureSignalHandler() {}
inline void ShutdownGoogleLogging() {}

}  // namespace google

#endif  // CAFFE_GLOG_LOGGING_H_
