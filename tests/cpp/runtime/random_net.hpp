#ifndef TESTS_RUNTIME_RANDOM_NET_HPP_
#define TESTS_RUNTIME_RANDOM_NET_HPP_

#include "caffe/proto/caffe.pb.h"

namespace caffe_test {

/// A net of four to twelve layers that a number chooses: one input blob "data", branches that meet
/// again, layers in place. The same number always gives the same net. In phase TRAIN every blob
/// that no layer reads ends in a loss.
caffe::NetParameter RandomNet(unsigned number, caffe::Phase phase);

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_RANDOM_NET_HPP_
