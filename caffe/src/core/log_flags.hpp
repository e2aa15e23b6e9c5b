#ifndef CAFFE_SRC_CORE_LOG_FLAGS_HPP_
#define CAFFE_SRC_CORE_LOG_FLAGS_HPP_

namespace caffe {

/// Takes google-glog's flags (-logtostderr=1, --v 1, -nolog_prefix ...) out of a program's
/// arguments and sets the variables of caffe/util/log_settings.hpp. Stops at "--", as google-gflags
/// does.
void TakeLogFlags(int* argc, char** argv);

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_LOG_FLAGS_HPP_
